package io.steelyard.feed.calendar;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeriodTest {

  @ParameterizedTest
  @CsvSource({
    "week, 2020-W53, 2020-12-28, 2021-01-03",
    "week, 2021-W01, 2021-01-04, 2021-01-10",
    "week, 2026-W01, 2025-12-29, 2026-01-04",
    "date, 2024-02-29, 2024-02-29, 2024-02-29",
    "month, 2025-12, 2025-12-01, 2025-12-31",
    "month, 2024-02, 2024-02-01, 2024-02-29",
  })
  void hasItsOwnDays(String kind, String key, LocalDate first, LocalDate last) {
    final Period period = Period.parse(kind, key).orElseThrow();
    assertThat(period.first()).isEqualTo(first);
    assertThat(period.last()).isEqualTo(last);
    assertThat(period.key()).isEqualTo(key);
    assertThat(period.next().previous()).isEqualTo(period);
    assertThat(period.around(last)).isEqualTo(period);
  }

  @ParameterizedTest
  @CsvSource({
    "week, 2021-W53",
    "week, 2021-W00",
    "week, 2021-W1",
    "date, 2023-02-29",
    "date, 2023-2-9",
    "month, 2023-13",
    "year, 2023",
    "date, ../../etc",
  })
  void whatIsNoPeriodIsEmpty(String kind, String key) {
    assertThat(Period.parse(kind, key)).isEmpty();
  }

  @Test
  void weeksFollowEachOtherOverTheYear() {
    final Period last = Period.parse("week", "2020-W53").orElseThrow();
    assertThat(last.next().key()).isEqualTo("2021-W01");
    assertThat(last.title()).isEqualTo("Week 53 of 2020, 28 December to 3 January");
  }
}
