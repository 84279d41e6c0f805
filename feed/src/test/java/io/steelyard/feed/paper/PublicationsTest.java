package io.steelyard.feed.paper;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Engine;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The store of papers, on each database. */
class PublicationsTest {

  private static Publication example() {
    return ShippedPapers.all().getFirst();
  }

  @ParameterizedTest
  @EnumSource
  void whatIsTakenComesBackAsItWas(Engine engine) {
    try (Database database = engine.open()) {
      final List<Publication> all = ShippedPapers.all();
      database.write(
          handle -> {
            all.forEach(new Publications(handle)::take);
            return all.size();
          });
      final List<Publication> back =
          database.read(handle -> new Publications(handle).newest(0, 100));
      assertThat(back).containsExactlyInAnyOrderElementsOf(all);
      assertThat(back)
          .isSortedAccordingTo(
              (first, second) -> {
                final int byDate = second.published().compareTo(first.published());
                return byDate != 0 ? byDate : second.id().value().compareTo(first.id().value());
              });
    }
  }

  @ParameterizedTest
  @EnumSource
  void takingTheSameTwiceChangesNothing(Engine engine) {
    try (Database database = engine.open()) {
      final Publication paper = example();
      assertThat(take(database, paper)).isEqualTo(Publications.Change.ADDED);
      final var before = database.read(handle -> new Publications(handle).changes());
      assertThat(take(database, paper)).isEqualTo(Publications.Change.NONE);
      final var after = database.read(handle -> new Publications(handle).changes());
      assertThat(after).isEqualTo(before);
    }
  }

  @ParameterizedTest
  @EnumSource
  void daysAreFoundInBothDirections(Engine engine) {
    try (Database database = engine.open()) {
      take(database, example());
      final LocalDate day = example().featured();
      database.read(
          handle -> {
            final Publications store = new Publications(handle);
            assertThat(store.lastDay(day.plusDays(3))).contains(day);
            assertThat(store.lastDay(day.minusDays(1))).isEmpty();
            assertThat(store.firstDay(day.minusDays(3))).contains(day);
            assertThat(store.firstDay(day.plusDays(1))).isEmpty();
            assertThat(store.days(5)).containsExactly(new Publications.DayCount(day, 1));
            assertThat(store.changedSince(Instant.EPOCH)).containsExactly(example().id());
            assertThat(store.changedSince(Instant.now().plusSeconds(60))).isEmpty();
            return day;
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void anImportLeavesACorrectionAlone(Engine engine) {
    try (Database database = engine.open()) {
      final Publication paper = example();
      take(database, paper);
      final Publication corrected = paper.withTitle("As its authors write it");
      database.write(
          handle -> {
            new Publications(handle).correct(corrected, "title");
            return corrected;
          });
      assertThat(take(database, paper.withTitle("As a robot writes it")))
          .isEqualTo(Publications.Change.NONE);
      final Optional<Publication> kept =
          database.read(handle -> new Publications(handle).find(paper.id()));
      assertThat(kept).contains(corrected);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFailureLeavesNothingHalfWritten(Engine engine) {
    try (Database database = engine.open()) {
      final Publication paper = example();
      org.assertj.core.api.Assertions.assertThatThrownBy(
              () ->
                  database.write(
                      handle -> {
                        new Publications(handle).take(paper);
                        throw new IllegalStateException("the power went");
                      }))
          .hasMessage("the power went");
      assertThat(database.<Long>read(handle -> new Publications(handle).count())).isZero();
    }
  }

  private static Publications.Change take(Database database, Publication paper) {
    return database.write(handle -> new Publications(handle).take(paper));
  }
}
