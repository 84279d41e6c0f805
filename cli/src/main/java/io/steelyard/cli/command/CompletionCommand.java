package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a completion script for bash and zsh. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Prints a script that completes commands and options in bash and zsh.",
    footerHeading = "%nExample:%n",
    footer = "  source <(steelyard completion)")
public final class CompletionCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public CompletionCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    final String script = AutoComplete.bash("steelyard", spec.root().commandLine());
    if (output.json()) {
      final JsonObject document = new JsonObject();
      document.addProperty("shell", "bash");
      document.addProperty("script", script);
      Json.print(terminal, document);
    } else {
      terminal.out().print(script);
    }
    return 0;
  }
}
