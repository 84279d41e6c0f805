package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.account.Account;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Passwords;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.database.Database;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Looks after the site's accounts. */
@Command(
    name = "admin",
    mixinStandardHelpOptions = true,
    description = "Makes accounts for the site, gives them roles, suspends them.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard admin create ada ada@example.org --role admin",
      "  steelyard admin role bob moderator",
      "  steelyard admin suspend eve"
    })
public final class AdminCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public AdminCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** With its subcommands. */
  public CommandLine line() {
    return new CommandLine(this)
        .addSubcommand(new Create(terminal))
        .addSubcommand(new Role(terminal))
        .addSubcommand(new Suspend(terminal));
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(), "say what to do: steelyard admin create, role or suspend");
  }

  private static Viewer.Role role(String text, CommandSpec spec) {
    try {
      return Viewer.Role.valueOf(text.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(),
          "role is '" + text + "'; expected one of reader, moderator, admin",
          e);
    }
  }

  private static void say(Terminal terminal, JsonOption output, String name, String sentence) {
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.addProperty("account", name);
      json.addProperty("done", sentence);
      Json.print(terminal, json);
    } else {
      terminal.out().println(sentence);
    }
  }

  private static Account known(Accounts accounts, String name, CommandSpec spec) {
    return accounts
        .meant(name)
        .orElseThrow(
            () -> new ParameterException(spec.commandLine(), "there is no account '" + name + "'"));
  }

  /** Makes an account. */
  @Command(
      name = "create",
      mixinStandardHelpOptions = true,
      description = "Makes an account; the password is asked for, or read from standard input.")
  private static final class Create implements Callable<Integer> {

    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "NAME", description = "Its name.")
    private String name;

    @Parameters(index = "1", paramLabel = "EMAIL", description = "Its address.")
    private String email;

    @Option(
        names = "--role",
        paramLabel = "ROLE",
        defaultValue = "admin",
        description = "reader, moderator or admin (default: ${DEFAULT-VALUE}).")
    private String role;

    @Mixin private FeedOptions options;
    @Mixin private JsonOption output;
    @Spec private CommandSpec spec;

    Create(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() {
      final Viewer.Role wanted = role(role, spec);
      final String address =
          Accounts.email(email)
              .orElseThrow(() -> wrong("'" + email + "' is not an e-mail address"));
      if (!Accounts.isName(name)) {
        throw wrong("name is '" + name + "'; expected 3 to 40 letters, digits, _ and -");
      }
      final String password = password();
      final String objection = Passwords.objection(password, name, address);
      if (!objection.isEmpty()) {
        throw wrong(objection);
      }
      try (Database database = Database.open(options.settings(spec, Map.of()))) {
        final Optional<Account> made =
            database.write(
                handle ->
                    new Accounts(handle)
                        .create(name, address, Passwords.hash(password), wanted, true));
        if (made.isEmpty()) {
          throw wrong("the name or the address is taken");
        }
        say(terminal, output, name, "made the account " + name);
      }
      return 0;
    }

    private ParameterException wrong(String sentence) {
      return new ParameterException(spec.commandLine(), sentence);
    }

    private static String password() {
      final Optional<Console> console =
          Optional.ofNullable(System.console()).filter(Console::isTerminal);
      if (console.isPresent()) {
        return new String(console.get().readPassword("Password: "));
      }
      try {
        return Optional.ofNullable(
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
                    .readLine())
            .orElse("");
      } catch (IOException e) {
        throw new UncheckedIOException("cannot read the password", e);
      }
    }
  }

  /** Gives an account a role. */
  @Command(
      name = "role",
      mixinStandardHelpOptions = true,
      description = "Makes somebody a reader, a moderator or an admin.")
  private static final class Role implements Callable<Integer> {

    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "NAME", description = "Name or address of the account.")
    private String name;

    @Parameters(index = "1", paramLabel = "ROLE", description = "reader, moderator or admin.")
    private String role;

    @Mixin private FeedOptions options;
    @Mixin private JsonOption output;
    @Spec private CommandSpec spec;

    Role(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() {
      final Viewer.Role wanted = role(role, spec);
      try (Database database = Database.open(options.settings(spec, Map.of()))) {
        database.write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              final Account account = known(accounts, name, spec);
              accounts.role(account.id(), wanted);
              return account;
            });
      }
      say(terminal, output, name, name + " is " + role);
      return 0;
    }
  }

  /** Suspends an account. */
  @Command(
      name = "suspend",
      mixinStandardHelpOptions = true,
      description = "Keeps somebody from signing in, or takes that back.")
  private static final class Suspend implements Callable<Integer> {

    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "NAME", description = "Name or address of the account.")
    private String name;

    @Option(names = "--undo", description = "Let them in again.")
    private boolean undo;

    @Mixin private FeedOptions options;
    @Mixin private JsonOption output;
    @Spec private CommandSpec spec;

    Suspend(Terminal terminal) {
      this.terminal = terminal;
    }

    @Override
    public Integer call() {
      try (Database database = Database.open(options.settings(spec, Map.of()))) {
        database.write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              final Account account = known(accounts, name, spec);
              accounts.close(account.id(), !undo);
              return account;
            });
      }
      say(terminal, output, name, name + (undo ? " may sign in again" : " is suspended"));
      return 0;
    }
  }
}
