package io.steelyard.papers.task;

import java.util.Arrays;

/** Queries and keys of one head on one sequence. */
public final class HeadTokens {

  private final double[][] q;
  private final double[][] k;

  HeadTokens(double[][] q, double[][] k) {
    this.q = q;
    this.k = k;
  }

  /** {@code [T][D]}. */
  public double[][] q() {
    return Arrays.stream(q).map(double[]::clone).toArray(double[][]::new);
  }

  /** {@code [T][D]}. */
  public double[][] k() {
    return Arrays.stream(k).map(double[]::clone).toArray(double[][]::new);
  }
}
