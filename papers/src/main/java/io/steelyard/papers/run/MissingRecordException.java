package io.steelyard.papers.run;

/** A run lacks a metric, curve or item series that a claim or figure reads. */
public final class MissingRecordException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** With a message that names what is missing and what is there. */
  public MissingRecordException(String message) {
    super(message);
  }
}
