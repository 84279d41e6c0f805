package io.steelyard.papers.run;

/** A file is not a run record of this format; the message says why. */
public final class InvalidRunException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** With the reason. */
  public InvalidRunException(String message) {
    super(message);
  }

  /** With the reason and what it came from. */
  public InvalidRunException(String message, Throwable cause) {
    super(message, cause);
  }
}
