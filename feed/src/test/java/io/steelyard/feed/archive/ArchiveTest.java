package io.steelyard.feed.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Subscription;
import io.steelyard.feed.account.Subscriptions;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.discussion.Opinions;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.discussion.Shelves;
import io.steelyard.feed.mail.Letter;
import io.steelyard.feed.mail.Outbox;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.paper.ShippedPapers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArchiveTest {

  private static Database filled(Engine engine) {
    final Database database = engine.open();
    database.write(
        handle -> {
          ShippedPapers.all().forEach(new Publications(handle)::take);
          final Accounts accounts = new Accounts(handle);
          final long ada =
              accounts
                  .create("Ada", "ada@example.org", "hash", Viewer.Role.ADMIN, true)
                  .orElseThrow()
                  .id();
          final ArxivId paper = new ArxivId("2001.04438");
          new Opinions(handle).vote(paper, ada, Instant.now());
          new Shelves(handle).save(ada, "For \"later\"", paper, Instant.now());
          final Remarks remarks = new Remarks(handle);
          final long remark = remarks.add(paper, ada, "Zeilen\n\u00fcber $x$", Instant.now());
          remarks.edit(remarks.find(remark).orElseThrow(), "other", Instant.now());
          remarks.report(remark, ada, "why not", Instant.now());
          new Subscriptions(handle).set(ada, Subscription.Cadence.DAILY, List.of("a", "b"));
          accounts.issue(Accounts.Ticket.API, ada, "a program");
          accounts.begin(ada);
          new Outbox(handle).add(Letter.plain("ada@example.org", "s", "t", "id"));
          return ada;
        });
    return database;
  }

  private static List<String> lines(Path file) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(Files.newInputStream(file))) {
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
          .lines()
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"H2, H2", "H2, POSTGRESQL", "POSTGRESQL, H2"})
  void aBackupIsTheSameAfterARestore(Engine from, Engine to, @TempDir Path folder)
      throws IOException {
    final Path first = folder.resolve("first.gz");
    final Path second = folder.resolve("second.gz");
    final long rows;
    try (Database database = filled(from)) {
      rows = Archive.backup(database, first);
    }
    try (Database database = to.open()) {
      assertThat(Archive.restore(database, first)).isEqualTo(rows);
      Archive.backup(database, second);
      assertThat(new TreeSet<>(lines(second))).isEqualTo(new TreeSet<>(lines(first)));
      assertThat(lines(first).toString()).doesNotContain("\"table\":\"session\"");
      // New rows get new numbers.
      final var bob =
          database.write(
              handle ->
                  new Accounts(handle)
                      .create("Bob", "b@example.org", "x", Viewer.Role.READER, true));
      assertThat(bob.orElseThrow().id()).isGreaterThan(1);
      assertThatThrownBy(() -> Archive.restore(database, first))
          .hasMessageContaining("restore into an empty one");
    }
    try (var files = Files.list(folder)) {
      assertThat(files.count()).as("no partial file is left").isEqualTo(2);
    }
  }

  @Test
  void whatIsNotWholeIsNotTaken(@TempDir Path folder) throws IOException {
    final Path file = folder.resolve("backup.gz");
    try (Database database = filled(Engine.H2)) {
      Archive.backup(database, file);
    }
    final byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    try (Database database = Engine.H2.open()) {
      assertThatThrownBy(() -> Archive.restore(database, file))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(database.<Long>read(handle -> new Publications(handle).count())).isZero();
    }
  }

  @Test
  void everyTableIsInIt() {
    try (Database database = Engine.H2.open()) {
      final List<String> tables =
          database.read(
              handle ->
                  handle
                      .createQuery(
                          "SELECT table_name FROM information_schema.tables"
                              + " WHERE table_schema = 'public'")
                      .mapTo(String.class)
                      .list());
      assertThat(tables)
          .filteredOn(name -> !List.of("session", "flyway_schema_history").contains(name))
          .containsExactlyInAnyOrderElementsOf(Archive.TABLES);
    }
  }
}
