package io.steelyard.feed.database;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;

/**
 * Tells the pool which connections are dead. H2 closes a database that it cannot write to; the pool
 * knows only the codes of others, and a busy one would hand out its dead connections for good.
 */
final class DeadConnections implements SQLExceptionOverride {

  private static final int H2_CLOSED = 90098;

  @java.lang.Override
  public SQLExceptionOverride.Override adjudicate(SQLException failure) {
    return failure.getErrorCode() == H2_CLOSED
        ? SQLExceptionOverride.Override.MUST_EVICT
        : SQLExceptionOverride.Override.CONTINUE_EVICT;
  }
}
