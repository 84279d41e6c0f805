package io.steelyard.feed.page;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** How pages say days, counts and verdicts. */
public final class Words {

  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("d MMMM uuuu", Locale.ENGLISH);

  private Words() {}

  /** A day. */
  public static String day(LocalDate day) {
    return DAY.format(day);
  }

  /** The day of an instant. */
  public static String day(Instant instant) {
    return DAY.format(instant.atZone(ZoneOffset.UTC));
  }

  /** A count with its noun. */
  public static String count(long number, String one, String many) {
    return String.format(Locale.ENGLISH, "%,d %s", number, number == 1 ? one : many);
  }

  /** The name of a verdict in style sheets and icons. */
  public static String verdictClass(String label) {
    return label.replace(' ', '-');
  }

  /** A text as part of an address. */
  public static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
