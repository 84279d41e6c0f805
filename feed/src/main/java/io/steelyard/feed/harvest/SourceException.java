package io.steelyard.feed.harvest;

/** A source that cannot be read; the message says which, why and what to do. */
public final class SourceException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** With a sentence. */
  public SourceException(String sentence) {
    super(sentence);
  }

  /** With a sentence and what led to it. */
  public SourceException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
