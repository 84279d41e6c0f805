package io.steelyard.layers.training;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * How a {@link Training} runs.
 *
 * <pre>{@code
 * TrainingOptions options =
 *     TrainingOptions.seeded(1)
 *         .with(Optimizer.adamW(0.01))
 *         .with(Schedule.cosine(3e-3, 0, 400).warmedUp(50))
 *         .with(Clipping.byNorm(1));
 * }</pre>
 *
 * @param optimizer what makes an update of a gradient
 * @param schedule the learning rate at each step
 * @param rateFactors some parameters learn faster or slower: the learning rate of those whose name
 *     (as in {@link io.steelyard.layers.tensor.ParameterFiles}) contains the key is multiplied by
 *     the value, at least 0, decoupled decay included. Where several keys fit, so do their factors
 * @param clipping of gradients, before weight decay
 * @param average weight d of the past in a moving average of all parameters, {@code a <- d a + (1 -
 *     d) w} after each step, a starting as the initial w; in [0, 1); see {@link Training#averaged}
 * @param piece how many samples of a batch are computed at a time, at least 1: gradients of the
 *     pieces are added up, so a larger batch than fits the memory can be used. The loss has to be a
 *     mean over samples, plus terms that do not depend on them. Batch norms see one piece at a time
 * @param earlyStop see {@link Training#measured}
 * @param seed of the dropout masks
 * @param device where parameters and batches live
 * @param dataType of the parameters, float32 or float64
 */
public record TrainingOptions(
    Optimizer optimizer,
    Schedule schedule,
    Map<String, Double> rateFactors,
    Clipping clipping,
    OptionalDouble average,
    long piece,
    Optional<EarlyStop> earlyStop,
    long seed,
    Device device,
    DataType dataType) {

  /** Adam's usual learning rate. */
  public static final double LEARNING_RATE = 1e-3;

  /** Checks the ranges. */
  public TrainingOptions {
    rateFactors = Collections.unmodifiableMap(new TreeMap<>(rateFactors));
    rateFactors.values().forEach(factor -> Ranges.atLeastZero("rateFactors", factor));
    average.ifPresent(weight -> Ranges.belowOne("average", weight));
    Ranges.atLeastOne("piece", piece);
    if (dataType != DataType.FLOAT32 && dataType != DataType.FLOAT64) {
      throw new IllegalArgumentException(
          "dataType is " + dataType + "; expected float32 or float64");
    }
  }

  /**
   * Adam with a constant learning rate of 0.001, no clipping, no average and no early stop, in
   * float32 on the CPU.
   */
  public static TrainingOptions seeded(long seed) {
    return new TrainingOptions(
        Optimizer.adam(),
        Schedule.constant(LEARNING_RATE),
        Map.of(),
        Clipping.none(),
        OptionalDouble.empty(),
        Long.MAX_VALUE,
        Optional.empty(),
        seed,
        Device.cpu(),
        DataType.FLOAT32);
  }

  /** The same with another optimizer. */
  public TrainingOptions with(Optimizer other) {
    return new TrainingOptions(
        other, schedule, rateFactors, clipping, average, piece, earlyStop, seed, device, dataType);
  }

  /** The same with another learning rate. */
  public TrainingOptions with(Schedule other) {
    return new TrainingOptions(
        optimizer, other, rateFactors, clipping, average, piece, earlyStop, seed, device, dataType);
  }

  /** The same with a constant learning rate, greater than 0. */
  public TrainingOptions withLearningRate(double rate) {
    Ranges.positive("learningRate", rate);
    return with(Schedule.constant(rate));
  }

  /**
   * The same with the learning rate of some parameters multiplied by a factor.
   *
   * @param part of their names, for example {@code temperature}
   */
  public TrainingOptions withRateFactor(String part, double factor) {
    final Map<String, Double> factors = new TreeMap<>(rateFactors);
    factors.put(part, factor);
    return new TrainingOptions(
        optimizer, schedule, factors, clipping, average, piece, earlyStop, seed, device, dataType);
  }

  /** The same with another clipping. */
  public TrainingOptions with(Clipping other) {
    return new TrainingOptions(
        optimizer, schedule, rateFactors, other, average, piece, earlyStop, seed, device, dataType);
  }

  /** The same with a moving average of the parameters. */
  public TrainingOptions withAverage(double weight) {
    return new TrainingOptions(
        optimizer,
        schedule,
        rateFactors,
        clipping,
        OptionalDouble.of(weight),
        piece,
        earlyStop,
        seed,
        device,
        dataType);
  }

  /** The same with batches computed in pieces. */
  public TrainingOptions inPiecesOf(long samples) {
    return new TrainingOptions(
        optimizer,
        schedule,
        rateFactors,
        clipping,
        average,
        samples,
        earlyStop,
        seed,
        device,
        dataType);
  }

  /** The same with an early stop. */
  public TrainingOptions with(EarlyStop rule) {
    return new TrainingOptions(
        optimizer,
        schedule,
        rateFactors,
        clipping,
        average,
        piece,
        Optional.of(rule),
        seed,
        device,
        dataType);
  }

  /** The same on another device. */
  public TrainingOptions on(Device other) {
    return new TrainingOptions(
        optimizer,
        schedule,
        rateFactors,
        clipping,
        average,
        piece,
        earlyStop,
        seed,
        other,
        dataType);
  }

  /** The same in another type. */
  public TrainingOptions as(DataType other) {
    return new TrainingOptions(
        optimizer, schedule, rateFactors, clipping, average, piece, earlyStop, seed, device, other);
  }
}
