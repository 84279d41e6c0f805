package io.steelyard.papers.reproduction;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.run.Experiment;
import io.steelyard.papers.run.Run;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A paper's experiment and what it is meant to show. One class per paper; it reads top to bottom:
 * claims, constants, data, model, loop, metrics, figures.
 *
 * <p>Constructing one is cheap: no engine starts and no data is read before {@link #run}.
 */
public interface Reproduction {

  /** Slug of the paper in the catalogue. */
  String paper();

  /** The experiment in two or three sentences: what is compared, on what, and what differs. */
  String design();

  /** The claims, each with its criterion, fixed before any run. */
  List<Claim> claims();

  /**
   * Runs the experiment once: reads scale, seed and data from {@code experiment}, records into it.
   */
  void run(Experiment experiment);

  /** Figures drawn from runs of one scale, ordered by seed; called with at least one run. */
  List<Figure> figures(List<Run> runs);

  /** Whether seeds must run one after the other with the machine to themselves, as timings do. */
  default boolean timed() {
    return false;
  }

  /**
   * Whether an earlier run of the same code, scale and seed would come out on the same data today;
   * if not, it is run again. A reproduction that falls back to other data when the real ones are
   * missing says here that they have turned up.
   */
  default boolean sameData(Run earlier, Optional<Path> dataFolder) {
    return true;
  }
}
