package io.steelyard.feed.calendar;

import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.format.DateTimeFormatter;
import java.time.temporal.IsoFields;
import java.time.temporal.TemporalAdjusters;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A stretch of the feed: a day, an ISO week or a month, all in UTC. */
public sealed interface Period {

  /** First day. */
  LocalDate first();

  /** Last day. */
  LocalDate last();

  /** {@code date}, {@code week} or {@code month}, as in addresses. */
  String kind();

  /** {@code 2025-12-10}, {@code 2025-W50} or {@code 2025-12}, as in addresses. */
  String key();

  /** As a heading says it. */
  String title();

  /** The period of the same length that holds a day. */
  Period around(LocalDate day);

  /** The next one. */
  default Period next() {
    return around(last().plusDays(1));
  }

  /** The one before. */
  default Period previous() {
    return around(first().minusDays(1));
  }

  /** One day. */
  record Day(LocalDate first) implements Period {

    private static final DateTimeFormatter TITLE =
        DateTimeFormatter.ofPattern("EEEE, d MMMM uuuu", Locale.ENGLISH);

    @Override
    public LocalDate last() {
      return first;
    }

    @Override
    public String kind() {
      return "date";
    }

    @Override
    public String key() {
      return first.toString();
    }

    @Override
    public String title() {
      return TITLE.format(first);
    }

    @Override
    public Period around(LocalDate day) {
      return new Day(day);
    }
  }

  /** Seven days from Monday, numbered as ISO 8601 does: week 1 has the year's first Thursday. */
  record Week(LocalDate first) implements Period {

    private static final DateTimeFormatter DAY =
        DateTimeFormatter.ofPattern("d MMMM", Locale.ENGLISH);

    /** Moves to the Monday. */
    public Week {
      first = first.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY));
    }

    @Override
    public LocalDate last() {
      return first.plusDays(6);
    }

    @Override
    public String kind() {
      return "week";
    }

    @Override
    public String key() {
      return "%04d-W%02d"
          .formatted(
              first.get(IsoFields.WEEK_BASED_YEAR), first.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
    }

    @Override
    public String title() {
      return "Week %d of %d, %s to %s"
          .formatted(
              first.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR),
              first.get(IsoFields.WEEK_BASED_YEAR),
              DAY.format(first),
              DAY.format(last()));
    }

    @Override
    public Period around(LocalDate day) {
      return new Week(day);
    }
  }

  /** A month. */
  record Month(LocalDate first) implements Period {

    private static final DateTimeFormatter TITLE =
        DateTimeFormatter.ofPattern("MMMM uuuu", Locale.ENGLISH);

    /** Moves to the first day. */
    public Month {
      first = first.withDayOfMonth(1);
    }

    @Override
    public LocalDate last() {
      return first.with(TemporalAdjusters.lastDayOfMonth());
    }

    @Override
    public String kind() {
      return "month";
    }

    @Override
    public String key() {
      return YearMonth.from(first).toString();
    }

    @Override
    public String title() {
      return TITLE.format(first);
    }

    @Override
    public Period around(LocalDate day) {
      return new Month(day);
    }
  }

  /** The period that an address names by kind and key; empty if there is no such day. */
  static Optional<Period> parse(String kind, String key) {
    try {
      return switch (kind) {
        case "date" -> matching(key, "(\\d{4})-(\\d{2})-(\\d{2})").map(_ -> day(key));
        case "week" -> matching(key, "(\\d{4})-W(\\d{2})").flatMap(Period::week);
        case "month" ->
            matching(key, "(\\d{4})-(\\d{2})").map(_ -> new Month(LocalDate.parse(key + "-01")));
        default -> Optional.empty();
      };
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  private static Period day(String key) {
    return new Day(LocalDate.parse(key));
  }

  private static Optional<Period> week(Matcher key) {
    final int year = Integer.parseInt(key.group(1));
    final int number = Integer.parseInt(key.group(2));
    // The fourth of January is in week 1 of every year.
    final Week week = new Week(LocalDate.of(year, 1, 4).plusWeeks(number - 1L));
    return number >= 1 && week.key().equals(key.group()) ? Optional.of(week) : Optional.empty();
  }

  private static Optional<Matcher> matching(String key, String pattern) {
    final Matcher match = Pattern.compile(pattern).matcher(key);
    return match.matches() ? Optional.of(match) : Optional.empty();
  }
}
