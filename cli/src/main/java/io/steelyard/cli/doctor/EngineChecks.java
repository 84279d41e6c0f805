package io.steelyard.cli.doctor;

import io.steelyard.layers.engine.Libtorch;
import java.util.List;

/** The engine that trains. */
final class EngineChecks {

  private EngineChecks() {}

  static List<Check> all() {
    try {
      final Libtorch.Description found = Libtorch.describe();
      return List.of(
          Check.ok("libtorch", found.version() + " from " + found.folder()),
          found.gpus() > 0
              ? Check.ok("GPU", found.gpus() + " seen by libtorch")
              : Check.ok(
                  "GPU",
                  "none seen by libtorch; a CUDA build of it is used when PYTORCH_LIBRARY_PATH names"
                      + " its lib folder"));
    } catch (IllegalStateException e) {
      return List.of(
          Check.broken(
              "libtorch",
              e.getMessage(),
              "the first load unpacks about 450 MB to ~/.djl.ai (or DJL_CACHE_DIR): see that there is"
                  + " room and that the folder can be written"));
    }
  }
}
