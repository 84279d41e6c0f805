package io.steelyard.cli;

import io.steelyard.cli.command.ApplyCommand;
import io.steelyard.cli.command.BenchCommand;
import io.steelyard.cli.command.CompletionCommand;
import io.steelyard.cli.command.DocsCommand;
import io.steelyard.cli.command.DoctorCommand;
import io.steelyard.cli.command.OperatorsCommand;
import io.steelyard.cli.command.PapersCommand;
import io.steelyard.cli.command.ReportCommand;
import io.steelyard.cli.command.ReproduceCommand;
import io.steelyard.cli.command.ServeCommand;
import io.steelyard.cli.terminal.Terminal;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The {@code steelyard} command.
 *
 * <p>Exit codes: {@link #OK}, {@link #CLAIM_DID_NOT_HOLD}, {@link #USAGE}, {@link #FAILURE}; 130
 * after Ctrl-C, as the JVM gives.
 */
@Command(
    name = "steelyard",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = "Softmax and everything that replaces or surrounds it: fast, trainable, re-run.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:fine",
      "1:a claim did not hold and --fail-on-claim was given",
      "2:the command line is wrong",
      "3:failure",
      "130:interrupted"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard papers attention",
      "  steelyard reproduce two-pass-softmax",
      "  steelyard apply softmax --in scores.json",
      "",
      "'steelyard COMMAND --help' says more about a command."
    })
public final class Steelyard implements Runnable {

  /** Everything was done. */
  public static final int OK = 0;

  /** A claim did not hold and {@code --fail-on-claim} was given. */
  public static final int CLAIM_DID_NOT_HOLD = 1;

  /** The command line is wrong. */
  public static final int USAGE = 2;

  /** The command could not be carried out. */
  public static final int FAILURE = 3;

  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of a failure.")
  private boolean debug;

  private Steelyard() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(execute(Terminal.system(), args));
  }

  /** Runs the command on these streams and returns its exit code. */
  public static int execute(Terminal terminal, String... args) {
    final Steelyard steelyard = new Steelyard();
    final CommandLine line = commandLine(steelyard, terminal);
    try {
      return line.execute(args);
    } catch (final Error error) { // no memory, no native library: the VM itself still works
      return Failures.report(terminal, error, steelyard.debug);
    } finally {
      terminal.out().flush();
      terminal.err().flush();
    }
  }

  private static CommandLine commandLine(Steelyard steelyard, Terminal terminal) {
    final CommandLine line =
        new CommandLine(steelyard)
            .addSubcommand(new ReproduceCommand(terminal))
            .addSubcommand(new ReportCommand(terminal))
            .addSubcommand(new DocsCommand(terminal))
            .addSubcommand(new PapersCommand(terminal))
            .addSubcommand(new OperatorsCommand(terminal))
            .addSubcommand(new ApplyCommand(terminal))
            .addSubcommand(new BenchCommand(terminal))
            .addSubcommand(new ServeCommand(terminal))
            .addSubcommand(new DoctorCommand(terminal))
            .addSubcommand(new CompletionCommand(terminal));
    return line.setOut(new PrintWriter(terminal.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8))
        .setColorScheme(CommandLine.Help.defaultColorScheme(terminal.colour() ? Ansi.ON : Ansi.OFF))
        .setUsageHelpWidth(Math.min(terminal.columns(), Terminal.DEFAULT_COLUMNS))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((wrong, _) -> Failures.usage(terminal, wrong))
        .setExecutionExceptionHandler(
            (failure, _, _) -> Failures.report(terminal, failure, steelyard.debug));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
