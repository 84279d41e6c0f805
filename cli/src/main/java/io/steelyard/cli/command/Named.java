package io.steelyard.cli.command;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Looks up what a command line names; an unknown word is a wrong command line with near misses. */
final class Named {

  private Named() {}

  /** The operator with this name. */
  static Operator operator(CommandSpec spec, String name) {
    final List<String> known = Operators.all().stream().map(Operator::name).toList();
    if (!known.contains(name)) {
      throw new ParameterException(
          spec.commandLine(),
          "no operator '"
              + name
              + "'"
              + NearMisses.hint(name, known)
              + "; 'steelyard operators' lists them");
    }
    return Operators.named(name);
  }
}
