package io.steelyard.papers.reproduction;

import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.run.Run;
import java.util.List;

/**
 * A paper's experiment and what it is meant to show. One class per paper; it reads top to bottom:
 * claims, constants, data, model, loop, metrics, figures.
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

  /** Figures drawn from runs of one scale; called with at least one run. */
  List<Figure> figures(List<Run> runs);

  /** Whether seeds must run one after the other with the machine to themselves, as timings do. */
  default boolean timed() {
    return false;
  }
}
