package io.steelyard.feed;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A main class of the tests in a process of its own. */
public final class ChildJvm {

  private ChildJvm() {}

  /**
   * The command that runs it on this class path.
   *
   * @param soon whether it shall start soon rather than become fast
   */
  public static List<String> command(Class<?> main, boolean soon) {
    final List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--add-modules=jdk.incubator.vector");
    if (soon) {
      command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    return command;
  }
}
