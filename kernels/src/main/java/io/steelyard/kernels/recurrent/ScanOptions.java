package io.steelyard.kernels.recurrent;

import io.steelyard.kernels.tensor.Tensor;
import java.util.Optional;

/**
 * How a selective scan is applied.
 *
 * @param skip what each channel's input is multiplied by and added to its output, {@code [D]}
 * @param bias what is added to each channel's delta, before softplus, {@code [D]}
 * @param softplus whether the step sizes are {@code softplus(delta + bias)} instead of {@code delta
 *     + bias}
 * @param threads most threads to use, 0 for all processors
 */
public record ScanOptions(
    Optional<Tensor> skip, Optional<Tensor> bias, boolean softplus, int threads) {

  private static final ScanOptions DEFAULTS =
      new ScanOptions(Optional.empty(), Optional.empty(), false, 0);

  /** Checks the number. */
  public ScanOptions {
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
  }

  /** No skip connection, no bias, step sizes as they are given, all processors. */
  public static ScanOptions defaults() {
    return DEFAULTS;
  }

  /** These options with a skip connection. */
  public ScanOptions withSkip(Tensor newSkip) {
    return new ScanOptions(Optional.of(newSkip), bias, softplus, threads);
  }

  /** These options with a bias of delta. */
  public ScanOptions withBias(Tensor newBias) {
    return new ScanOptions(skip, Optional.of(newBias), softplus, threads);
  }

  /** These options with the softplus of delta as step size. */
  public ScanOptions withSoftplus() {
    return new ScanOptions(skip, bias, true, threads);
  }

  /** These options with another thread limit. */
  public ScanOptions withThreads(int newThreads) {
    return new ScanOptions(skip, bias, softplus, newThreads);
  }
}
