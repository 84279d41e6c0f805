package io.steelyard.feed.web;

/** A request that is not carried out, with the status and the sentence the client gets. */
public final class Refusal extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int status;

  /** A refusal. */
  public Refusal(int status, String sentence) {
    super(sentence);
    this.status = status;
  }

  /** A refusal with what led to it. */
  public Refusal(int status, String sentence, Throwable cause) {
    super(sentence, cause);
    this.status = status;
  }

  /** HTTP status. */
  public int status() {
    return status;
  }
}
