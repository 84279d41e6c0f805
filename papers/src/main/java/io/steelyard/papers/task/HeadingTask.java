package io.steelyard.papers.task;

import io.steelyard.analysis.density.Bins;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * A small decision task with ordered actions: an agent on a plane goes to a goal by steps of 0.1 in
 * one of 18 headings. What there is to learn from are decisions of a demonstrator with an unsteady
 * hand. A return is the mean distance from the goal over 20 steps, with a minus.
 */
public final class HeadingTask {

  /** Headings to choose from. */
  public static final int ACTIONS = 18;

  private static final Bins HEADINGS = new Bins(ACTIONS);
  private static final double UNSTEADINESS = 0.5;
  private static final double STEP = 0.1;
  private static final int STEPS = 20;

  /**
   * How much is run.
   *
   * @param examples decisions of the demonstrator
   * @param epochs passes over them
   * @param episodes goals to go to in the test
   */
  public record Plan(int examples, int epochs, int episodes) {}

  private final float[] inputs;
  private final int[] targets;

  private HeadingTask(float[] inputs, int[] targets) {
    this.inputs = inputs;
    this.targets = targets;
  }

  /** The goal as seen from the agent, {@code [N, 2]}; not copied. */
  public float[] inputs() {
    return inputs;
  }

  /** The headings the demonstrator chose; not copied. */
  public int[] targets() {
    return targets;
  }

  /** Decisions of the demonstrator at random places. */
  public static HeadingTask draw(RandomGenerator random, int count) {
    final float[] inputs = new float[2 * count];
    final int[] targets = new int[count];
    for (int i = 0; i < count; i++) {
      inputs[2 * i] = (float) (2 * random.nextDouble() - 1);
      inputs[2 * i + 1] = (float) (2 * random.nextDouble() - 1);
      targets[i] = demonstrated(inputs[2 * i], inputs[2 * i + 1], random);
    }
    return new HeadingTask(inputs, targets);
  }

  private static int demonstrated(double dx, double dy, RandomGenerator random) {
    final double angle = Math.atan2(dy, dx) + UNSTEADINESS * random.nextGaussian();
    return HEADINGS.index(angle / Math.PI - 2 * Math.floor((angle / Math.PI + 1) / 2));
  }

  /** The mean return of the demonstrator. */
  public static double expert(RandomGenerator random, int episodes) {
    return play(
        random,
        episodes,
        state ->
            IntStream.range(0, episodes)
                .map(i -> demonstrated(state[2 * i], state[2 * i + 1], random))
                .toArray());
  }

  /**
   * The mean return of an agent.
   *
   * @param network headings are drawn from its probabilities; at random if empty
   */
  public static double episodes(
      Optional<ArrayNetwork> network, RandomGenerator random, int episodes) {
    return play(
        random,
        episodes,
        state -> {
          final Optional<double[][]> p = network.map(agent -> agent.probabilities(state));
          return IntStream.range(0, episodes)
              .map(
                  i ->
                      p.map(rows -> draw(rows[i], random)).orElseGet(() -> random.nextInt(ACTIONS)))
              .toArray();
        });
  }

  /** Headings for the goals as seen from all agents. */
  @FunctionalInterface
  private interface Choice {
    int[] of(float[] state);
  }

  private static double play(RandomGenerator random, int episodes, Choice choice) {
    final float[] state = new float[2 * episodes];
    for (int i = 0; i < state.length; i++) {
      state[i] = (float) (2 * random.nextDouble() - 1);
    }
    double distance = 0;
    for (int step = 0; step < STEPS; step++) {
      final int[] headings = choice.of(state);
      for (int i = 0; i < episodes; i++) {
        final double angle = Math.PI * HEADINGS.centre(headings[i]);
        state[2 * i] -= (float) (STEP * Math.cos(angle));
        state[2 * i + 1] -= (float) (STEP * Math.sin(angle));
        distance += Math.hypot(state[2 * i], state[2 * i + 1]);
      }
    }
    return -distance / STEPS / episodes;
  }

  /** A draw from probabilities. */
  static int draw(double[] probabilities, RandomGenerator random) {
    double left = random.nextDouble();
    int j = 0;
    while (j + 1 < probabilities.length && left >= probabilities[j]) {
      left -= probabilities[j];
      j++;
    }
    return j;
  }
}
