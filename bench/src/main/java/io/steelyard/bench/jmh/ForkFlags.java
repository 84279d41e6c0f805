package io.steelyard.bench.jmh;

import java.util.List;

/** The flags of every JVM that measures; the one place in this module that names them. */
public final class ForkFlags {

  private static final List<String> ALL =
      List.of(
          "--add-modules=jdk.incubator.vector",
          "--enable-native-access=ALL-UNNAMED",
          // Calls that allocate their output are to reuse pages the heap already has, as a server
          // that has run for a while does, and not to measure how a heap grows.
          "-XX:+UseParallelGC",
          "-Xms3g",
          "-Xmx3g",
          // JMH reaches into sun.misc.Unsafe, which the JDK otherwise reports in every fork.
          "--sun-misc-unsafe-memory-access=allow",
          // libtorch comes from the class path or from PYTORCH_LIBRARY_PATH, never from the
          // network.
          "-Dai.djl.offline=true",
          "-DOPT_OUT_TRACKING=true",
          // Forks have no use for a log, and the facade would say in each that it found none.
          "-Dslf4j.internal.verbosity=ERROR");

  private ForkFlags() {}

  /** The flags, in the order they are given. */
  public static List<String> all() {
    return ALL;
  }
}
