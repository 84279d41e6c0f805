package io.steelyard.feed.database;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.util.Map;
import java.util.UUID;

/** The databases that everything has to work with. */
public enum Engine {
  /** In the process. */
  H2,
  /** On a server. */
  POSTGRESQL;

  /** The settings of an empty database; the test is skipped where its server is missing. */
  public Map<Setting, String> fresh() {
    return switch (this) {
      case H2 -> Map.of(Setting.DB, "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
      case POSTGRESQL -> Postgres.shared().fresh();
    };
  }

  /** An empty database with its tables. */
  public Database open() {
    return Database.open(Settings.with(fresh()));
  }
}
