package io.steelyard.papers.runner;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Criteria;
import io.steelyard.papers.claim.Quantity;
import io.steelyard.papers.reproduction.Figure;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** An experiment of a few milliseconds that does what its name says. */
record FakeReproduction(Kind kind) implements Reproduction {

  enum Kind {
    /** Draws a number. */
    FAST,
    /** The same, alone on the machine. */
    TIMED,
    /** Seed 2 ends the process, seed 3 throws. */
    FRAGILE,
    /** Waits for a minute. */
    SLOW,
    /** Wants another data set than it has recorded. */
    FICKLE
  }

  private static final Quantity DRAW = Quantity.metric("", "draw");

  static Optional<Reproduction> find(String paper) {
    for (final Kind kind : Kind.values()) {
      final FakeReproduction fake = new FakeReproduction(kind);
      if (fake.paper().equals(paper)) {
        return Optional.of(fake);
      }
    }
    return Optional.empty();
  }

  @Override
  public String paper() {
    return "fake-" + kind.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String design() {
    return "A number is drawn.";
  }

  @Override
  public List<Claim> claims() {
    return List.of(
        Claim.named("in-the-unit-interval")
            .states("The number is below one")
            .measures("number drawn")
            .decidedBy(DRAW, Criteria.everySeedBelow(DRAW, 1)));
  }

  @Override
  public void run(Experiment experiment) {
    experiment.metric("from", (double) System.currentTimeMillis());
    experiment.steps(3);
    System.out.println("{\"done\": true} a print must not pass for a message");
    experiment.step("one");
    experiment.metric("draw", experiment.random("draw").nextDouble());
    experiment.metric("processors", Runtime.getRuntime().availableProcessors());
    experiment.setting("folder", experiment.dataFolder().map(Path::toString).orElse("none"));
    experiment.step("two");
    switch (kind) {
      case FAST, TIMED, FICKLE -> sleep(100);
      case FRAGILE -> breakDown(experiment.seed());
      case SLOW -> sleep(60_000);
    }
    experiment.warning("be careful");
    experiment.step("three");
    experiment.metric("to", (double) System.currentTimeMillis());
  }

  @Override
  public List<Figure> figures(List<Run> runs) {
    return List.of();
  }

  @Override
  public boolean timed() {
    return kind == Kind.TIMED;
  }

  @Override
  public boolean sameData(Run earlier, Optional<Path> dataFolder) {
    return kind != Kind.FICKLE;
  }

  private static void breakDown(long seed) {
    if (seed == 2) {
      System.err.println("about to end");
      Runtime.getRuntime().halt(77);
    }
    if (seed == 3) {
      throw new IllegalStateException("the flux \"capacitor\" is empty");
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
