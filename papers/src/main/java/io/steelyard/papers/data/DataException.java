package io.steelyard.papers.data;

import java.io.Serial;

/**
 * Data that cannot be used: a damaged file, a wrong checksum, a failed download. The message names
 * the file or address, what was found and what was expected.
 */
public final class DataException extends RuntimeException {

  @Serial private static final long serialVersionUID = 1;

  /** An exception with this message. */
  public DataException(String message) {
    super(message);
  }

  /** An exception with this message and cause. */
  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
