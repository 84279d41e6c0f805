package io.steelyard.cli.command;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.run.Scale;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Looks up what a command line names; an unknown word is a wrong command line with near misses. */
final class Named {

  private Named() {}

  /** The operator with this name. */
  static Operator operator(CommandSpec spec, String name) {
    check(
        spec,
        "operator",
        name,
        Operators.all().stream().map(Operator::name).toList(),
        "steelyard operators");
    return Operators.named(name);
  }

  /** Refuses a word that is not among the known ones; {@code lister} is the command that lists. */
  static void check(CommandSpec spec, String kind, String word, List<String> known, String lister) {
    if (!known.contains(word)) {
      throw new ParameterException(
          spec.commandLine(),
          "there is no "
              + kind
              + " '"
              + word
              + "'"
              + NearMisses.hint(word, known)
              + " '"
              + lister
              + "' lists them");
    }
  }

  /** The paper with this slug, number or arXiv id. */
  static Paper paper(CommandSpec spec, String key) {
    try {
      return Catalogue.require(key);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** The scale with this name. */
  static Scale scale(CommandSpec spec, String name) {
    try {
      return Scale.of(name);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }
}
