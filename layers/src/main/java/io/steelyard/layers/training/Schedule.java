package io.steelyard.layers.training;

import java.util.List;
import java.util.stream.LongStream;

/**
 * The learning rate at each step: a pure function, so a resumed run needs nothing but the number of
 * its next step. Steps count from 0. Beyond their end, schedules stay at their last value.
 *
 * <pre>{@code
 * Schedule usual = Schedule.cosine(3e-3, 0, 400).warmedUp(50);
 * Schedule inTwoPhases = Schedule.linear(1e-5, 3e-4, 100).then(100, Schedule.cosine(3e-4, 1e-5, 900));
 * }</pre>
 */
public sealed interface Schedule {

  /**
   * The learning rate.
   *
   * @param step the number of steps done before, at least 0
   */
  double rate(long step);

  /** {@code rate}, always. */
  record Constant(double rate) implements Schedule {

    /** Checks the range. */
    public Constant {
      Ranges.atLeastZero("rate", rate);
    }

    @Override
    public double rate(long step) {
      return rate;
    }
  }

  /** {@code from + (to - from) i / steps}, and {@code to} from step {@code steps} on. */
  record Linear(double from, double to, long steps) implements Schedule {

    /** Checks the ranges. */
    public Linear {
      Ranges.atLeastZero("from", from);
      Ranges.atLeastZero("to", to);
      Ranges.atLeastOne("steps", steps);
    }

    @Override
    public double rate(long step) {
      return step >= steps ? to : from + (to - from) * step / steps;
    }
  }

  /**
   * {@code to + (from - to) (1 + cos(pi i / steps)) / 2}, and {@code to} from step {@code steps} on
   * (arXiv 1608.03983, equation 5, without restarts).
   */
  record Cosine(double from, double to, long steps) implements Schedule {

    /** Checks the ranges. */
    public Cosine {
      Ranges.atLeastZero("from", from);
      Ranges.atLeastZero("to", to);
      Ranges.atLeastOne("steps", steps);
    }

    @Override
    public double rate(long step) {
      return step >= steps ? to : to + (from - to) * (1 + Math.cos(Math.PI * step / steps)) / 2;
    }
  }

  /** {@code rate}, times {@code factor} for each step in {@code at} that has been reached. */
  record Drops(double rate, double factor, List<Long> at) implements Schedule {

    /** Checks the ranges and copies the list. */
    public Drops {
      Ranges.atLeastZero("rate", rate);
      Ranges.atLeastZero("factor", factor);
      at = List.copyOf(at);
    }

    @Override
    public double rate(long step) {
      return rate * Math.pow(factor, (double) at.stream().filter(drop -> step >= drop).count());
    }
  }

  /** {@code min(1, (i + 1) / steps)} times another schedule, which runs meanwhile. */
  record WarmedUp(Schedule schedule, long steps) implements Schedule {

    /** Checks the range. */
    public WarmedUp {
      Ranges.atLeastOne("steps", steps);
    }

    @Override
    public double rate(long step) {
      return Math.min(1, (step + 1.0) / steps) * schedule.rate(step);
    }
  }

  /** {@code first} for {@code steps} steps, then {@code next} from its own beginning. */
  record Sequence(Schedule first, long steps, Schedule next) implements Schedule {

    /** Checks the range. */
    public Sequence {
      Ranges.atLeastOne("steps", steps);
    }

    @Override
    public double rate(long step) {
      return step < steps ? first.rate(step) : next.rate(step - steps);
    }
  }

  /** The same rate at every step. */
  static Schedule constant(double rate) {
    return new Constant(rate);
  }

  /** From one rate to another in equal steps; a decay or a warm-up. */
  static Schedule linear(double from, double to, long steps) {
    return new Linear(from, to, steps);
  }

  /** From one rate to another along half a cosine. */
  static Schedule cosine(double from, double to, long steps) {
    return new Cosine(from, to, steps);
  }

  /** A rate multiplied by {@code factor} at each of these steps. */
  static Schedule drops(double rate, double factor, long... at) {
    return new Drops(rate, factor, LongStream.of(at).boxed().toList());
  }

  /**
   * The same, multiplied by {@code min(1, (i + 1) / steps)}. The schedule below runs during the
   * warm-up; use {@link #then} for one that begins after it.
   */
  default Schedule warmedUp(long steps) {
    return new WarmedUp(this, steps);
  }

  /** This for {@code steps} steps, then another one from its beginning. */
  default Schedule then(long steps, Schedule next) {
    return new Sequence(this, steps, next);
  }
}
