package io.steelyard.papers.run;

import ai.djl.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** What one run of a reproduction may use, and where it records. */
public interface Experiment {

  /** System property that names the device, see {@link #device}. */
  String DEVICE = "steelyard.device";

  /** System property that names a folder for {@link #checkpoint}. */
  String CHECKPOINTS = "steelyard.checkpoints";

  /** How much to run. */
  Scale scale();

  /** The seed of this run, for engines that take one. */
  long seed();

  /**
   * A generator for one purpose, split from the run's seed: the same name gives the same stream
   * from its start whatever else was drawn, so arms that share a purpose (initialisation, batch
   * order) share its numbers.
   */
  RandomGenerator random(String purpose);

  /**
   * What to train on: the device that the system property {@value #DEVICE} names ({@code cpu},
   * {@code gpu:0}, {@code auto}); without it, {@code auto} at full scale and else the CPU. Starts
   * libtorch unless that is the CPU.
   *
   * @throws IllegalArgumentException if there is no such device
   */
  Device device();

  /** Announces how many steps of progress will be reported. */
  void steps(long total);

  /** Reports progress. */
  void step(String what);

  /** Records a number. */
  void metric(String name, double value);

  /** Records a curve. */
  void series(Series series);

  /** Records per-item outcomes for paired intervals. */
  void items(String name, List<Double> values);

  /** Records a hyper-parameter or size, as the report prints it. */
  void setting(String name, String value);

  /** Records which data were used and where they came from. */
  void data(String name, String origin);

  /** Records and reports what a reader of the numbers has to know. */
  void warning(String text);

  /** Folder given with {@code --data}, if any, for the data resolver. */
  Optional<Path> dataFolder();

  /**
   * Where a training that takes days keeps what it needs to go on after an interruption: a file in
   * the folder that the system property {@value #CHECKPOINTS} names, one for each seed; empty
   * without it.
   *
   * @param training its name
   */
  Optional<Path> checkpoint(String training);
}
