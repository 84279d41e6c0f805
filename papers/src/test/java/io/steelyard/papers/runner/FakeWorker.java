package io.steelyard.papers.runner;

/** The child process of the tests: the real one with made-up reproductions. */
final class FakeWorker {

  private FakeWorker() {}

  public static void main(String[] arguments) {
    Worker.serve(FakeReproduction::find);
  }
}
