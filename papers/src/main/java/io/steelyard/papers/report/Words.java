package io.steelyard.papers.report;

import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.reproduction.Figure.Axis;
import io.steelyard.papers.reproduction.Figure.AxisScale;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.regex.Pattern;

/** Numbers, times and verdicts as the report writes them. */
public final class Words {

  private static final DateTimeFormatter DAY_AND_TIME =
      DateTimeFormatter.ofPattern("d MMMM yyyy, HH:mm 'UTC'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);
  private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  private static final Pattern POWER = Pattern.compile("(\\d)\\^(-?\\d{1,3})");

  /** A hyphen before a number that is not part of a word, range, date or exponent. */
  private static final Pattern MINUS = Pattern.compile("(?<![\\w.)-])-(?=\\d)");

  private static final int FIRST_LONG_POWER = 10;

  private Words() {}

  /** The value with its unit. */
  public static String value(Finding finding) {
    return text(finding.valueText());
  }

  /** The interval, empty if there is none. */
  public static String interval(Finding finding) {
    return text(finding.intervalText());
  }

  /** A plain number with a real minus sign. */
  public static String number(double value) {
    return text(Quantity.number(value));
  }

  /** A point of an axis: its name, a power of two where that is how one thinks of it, a number. */
  public static String point(Axis axis, double value) {
    if (axis.scale() == AxisScale.CATEGORY) {
      final int index = (int) value;
      return index >= 0 && index < axis.categories().size()
          ? axis.categories().get(index)
          : number(value);
    }
    final int exponent = Math.getExponent(value);
    return axis.scale() == AxisScale.LOG2
            && exponent >= FIRST_LONG_POWER
            && value == Math.scalb(1.0, exponent)
        ? "2" + superscript(exponent)
        : number(value);
  }

  /**
   * Prose as it is set: powers raised, real minus signs, and no line break between a number and its
   * per cent sign.
   */
  public static String text(String prose) {
    final String raised =
        POWER
            .matcher(prose)
            .replaceAll(match -> match.group(1) + superscript(Integer.parseInt(match.group(2))));
    return MINUS.matcher(raised).replaceAll("−").replace(" %", "\u00a0%");
  }

  /** Seconds as a person says them. */
  public static String duration(double seconds) {
    if (seconds < 10) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    final long whole = Math.round(seconds);
    if (whole < 120) {
      return whole + " s";
    }
    final long minutes = Math.round(seconds / 60);
    return minutes < 120
        ? minutes + " min"
        : String.format(Locale.ROOT, "%d h %02d min", minutes / 60, minutes % 60);
  }

  /** An instant to the minute. */
  public static String time(Instant instant) {
    return DAY_AND_TIME.format(instant);
  }

  /** The name of a verdict in style sheets and icons. */
  public static String verdictClass(Finding finding) {
    return finding.verdict().label().replace(' ', '-');
  }

  private static String superscript(int exponent) {
    final StringBuilder text = new StringBuilder();
    Integer.toString(exponent)
        .chars()
        .forEach(sign -> text.append(sign == '-' ? '⁻' : SUPERSCRIPTS.charAt(sign - '0')));
    return text.toString();
  }
}
