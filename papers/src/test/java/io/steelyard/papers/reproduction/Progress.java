package io.steelyard.papers.reproduction;

/** Counts what an experiment announces and reports. */
final class Progress implements RecordingExperiment.Listener {

  long announced;
  long done;

  @Override
  public void steps(long total) {
    announced = total;
  }

  @Override
  public void step(long number, String what) {
    done = number;
  }
}
