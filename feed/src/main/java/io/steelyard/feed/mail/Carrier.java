package io.steelyard.feed.mail;

/** Takes letters where they go. */
public interface Carrier {

  /**
   * Hands one letter over.
   *
   * @throws DeliveryException if it was not taken
   */
  void carry(Letter letter) throws DeliveryException;

  /** A letter that was not taken. */
  final class DeliveryException extends Exception {

    private static final long serialVersionUID = 1L;

    private final boolean forGood;

    /** A failure; {@code forGood} if trying again is useless. */
    public DeliveryException(String sentence, boolean forGood, Throwable cause) {
      super(sentence, cause);
      this.forGood = forGood;
    }

    /** Whether trying again is useless. */
    public boolean forGood() {
      return forGood;
    }
  }
}
