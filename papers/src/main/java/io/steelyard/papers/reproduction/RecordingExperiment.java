package io.steelyard.papers.reproduction;

import ai.djl.Device;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.training.Seed;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Machine;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.Scale;
import io.steelyard.papers.run.Series;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * An experiment that keeps what is recorded and makes the {@link Run} of it. Not safe for use by
 * several threads.
 */
public final class RecordingExperiment implements Experiment {

  /** Hears of an experiment's progress while it runs. */
  public interface Listener {

    /** Called when the number of steps becomes known. */
    default void steps(long total) {}

    /** Called after each step, {@code done} counting from 1. */
    default void step(long done, String what) {}

    /** Called for each warning. */
    default void warning(String text) {}

    /** Hears nothing. */
    static Listener none() {
      return new Listener() {};
    }
  }

  private final Scale scale;
  private final long seed;
  private final Optional<Path> dataFolder;
  private final Listener listener;
  private final Instant started = Instant.now();
  private final long startedNanos = System.nanoTime();
  private final Map<String, String> settings = new LinkedHashMap<>();
  private final Map<String, String> data = new LinkedHashMap<>();
  private final Map<String, Double> metrics = new LinkedHashMap<>();
  private final Map<String, Series> series = new LinkedHashMap<>();
  private final Map<String, List<Double>> items = new LinkedHashMap<>();
  private final List<String> warnings = new ArrayList<>();
  private long done;

  /** An experiment that starts now. */
  public RecordingExperiment(Scale scale, long seed, Optional<Path> dataFolder, Listener listener) {
    this.scale = scale;
    this.seed = seed;
    this.dataFolder = dataFolder;
    this.listener = listener;
  }

  /** What was recorded, as a run that ends now. */
  public Run run(String paper, String code, Machine machine) {
    return new Run(
        Run.FORMAT,
        paper,
        scale,
        seed,
        code,
        machine,
        settings,
        data,
        started,
        Duration.ofNanos(System.nanoTime() - startedNanos).toMillis() / 1000.0,
        metrics,
        List.copyOf(series.values()),
        items,
        warnings);
  }

  @Override
  public Scale scale() {
    return scale;
  }

  @Override
  public long seed() {
    return seed;
  }

  /**
   * A {@link Seed}'s stream, so that streams do not depend on the order in which they are asked
   * for.
   */
  @Override
  public RandomGenerator random(String purpose) {
    return new Seed(seed).stream(purpose);
  }

  @Override
  public Device device() {
    return Libtorch.device(System.getProperty(DEVICE, scale == Scale.FULL ? "auto" : "cpu"));
  }

  @Override
  public void steps(long total) {
    listener.steps(total);
  }

  @Override
  public void step(String what) {
    done++;
    listener.step(done, what);
  }

  @Override
  public void metric(String name, double value) {
    once("metric", name, metrics.put(name, value));
  }

  @Override
  public void series(Series curve) {
    once("series", curve.name(), series.put(curve.name(), curve));
  }

  @Override
  public void items(String name, List<Double> values) {
    once("item series", name, items.put(name, List.copyOf(values)));
  }

  @Override
  public void setting(String name, String value) {
    settings.put(name, value);
  }

  @Override
  public void data(String name, String origin) {
    data.put(name, origin);
  }

  @Override
  public void warning(String text) {
    warnings.add(text);
    listener.warning(text);
  }

  @Override
  public Optional<Path> dataFolder() {
    return dataFolder;
  }

  @Override
  public Optional<Path> checkpoint(String training) {
    final String plain = training.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    return Optional.ofNullable(System.getProperty(CHECKPOINTS))
        .map(folder -> Path.of(folder).resolve(plain + "-seed-" + seed + ".safetensors"));
  }

  private static void once(String kind, String name, Object before) {
    if (before != null) {
      throw new IllegalArgumentException(
          kind + " '" + name + "' was recorded twice; each name is recorded once a run");
    }
  }
}
