package io.steelyard.bench.jmh;

/** A trial that could not be measured, or whose results are wrong; the message says why. */
public final class TrialException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** With a message for the user. */
  public TrialException(String message, Throwable cause) {
    super(message, cause);
  }
}
