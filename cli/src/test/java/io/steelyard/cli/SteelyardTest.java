package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SteelyardTest {

  private static final String COMMANDS =
      "papers,operators,apply,reproduce,report,docs,bench,serve,import,export,digest,backup,restore,admin,doctor,completion";

  @Test
  void helpListsTheCommandsAndExitCodes() {
    final Cli.Result result = Cli.run("--help");
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains(COMMANDS.split(",")).contains("Exit codes:", "Examples:");
    assertThat(result.err()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "papers",
        "operators",
        "apply",
        "reproduce",
        "report",
        "docs",
        "bench",
        "serve",
        "export",
        "digest",
        "backup",
        "restore",
        "doctor",
        "completion"
      })
  void everyCommandHasHelpWithAnExampleAndJson(String command) {
    final Cli.Result result = Cli.run(command, "--help");
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .containsPattern("Examples?:\\R(.*\\R)*.*steelyard " + command)
        .contains("--json");
  }

  @ParameterizedTest
  @CsvSource({
    "import, arxiv",
    "import, hf",
    "import, file",
    "import, results",
    "admin, create",
    "admin, role",
    "admin, suspend"
  })
  void everyCommandOfAGroupHasHelpAndJson(String group, String command) {
    final Cli.Result result = Cli.run(group, command, "--help");
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("--json", "--db");
    assertThat(Cli.run(group, "--help").out()).contains("Examples:", "steelyard " + group);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "paperz                      | there is no command 'paperz'; did you mean papers",
        "operators --jsn             | unknown option: '--jsn'; did you mean --json",
        "operators sofmax            | there is no operator 'sofmax'; did you mean softmax",
        "operators softmax more      | 'more' is one argument too many",
        "apply softmax               | missing required option: '--in=FILE'",
        "apply sotfmax --in -        | there is no operator 'sotfmax'; did you mean softmax",
        "apply softmax --in x.txt    | --in: file is 'x.txt'; expected a name that ends in one of",
        "apply softmax --in - --dtype f16 | --dtype is 'f16'; expected f32 or f64",
        "apply softmax --in - --set q=1   | there is no parameter 'q'",
        "bench sofmax                | there is no suite 'sofmax'; did you mean softmax",
        "bench softmax --forks 0     | --forks is 0; expected at least 1",
        "reproduce two-pass-sofmax   | no paper 'two-pass-sofmax'; did you mean two-pass-softmax",
        "reproduce 400               | no paper '400'",
        "reproduce --seeds 0         | --seeds is 0; expected at least 1",
        "reproduce --device tpu      | --device is 'tpu'; expected cpu, gpu:0 (or another number)",
        "reproduce --device gpu:999  | --device is 'gpu:999'; libtorch sees",
        "reproduce --scale tiny      | --scale is 'tiny'; expected one of smoke, quick, full",
        "reproduce --all cnn-svm     | --all and papers by name exclude each other",
        "reproduce --data /no/where  | --data is /no/where; expected an existing folder",
        "serve --port x              | invalid value for option '--port'",
        "serve --set prot=1          | there is no setting 'prot'",
        "serve --config /no/where    | --config is /no/where; expected an existing file",
        "import                      | say where from",
        "import arxiv                | expected one of ids, --query and --oai-set",
        "import arxiv nonsense       | 'nonsense' is no arXiv id",
        "import hf --date soon       | invalid value for option '--date'",
        "import file /no/where       | /no/where does not exist; expected a file or folder",
        "digest                      | the digest needs the setting mail.host",
        "restore /no/where           | /no/where does not exist; expected a file of 'steelyard backup'",
        "admin                       | say what to do",
        "admin create x y@z.org      | name is 'x'; expected 3 to 40 letters",
        "admin role ada king         | role is 'king'; expected one of reader, moderator, admin",
        "report --runs /no/where     | --runs is /no/where; expected an existing folder",
      })
  void aWrongCommandLineIsOneLineOnStandardErrorAndCodeTwo(String line, String message) {
    final Cli.Result result = Cli.run(line.strip().split(" +"));
    assertThat(result.code()).isEqualTo(Steelyard.USAGE);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains(message).startsWith("steelyard").hasLineCount(1);
  }

  @Test
  void noCommandIsAWrongCommandLine() {
    final Cli.Result result = Cli.run();
    assertThat(result.code()).isEqualTo(Steelyard.USAGE);
    assertThat(result.err()).contains("a command is missing").contains("steelyard --help");
  }

  @Test
  void aFailureIsOneLineAndCodeThree() {
    final Cli.Result result = Cli.run("apply", "softmax", "--in", "no-such-file.json");
    assertThat(result.code()).isEqualTo(Steelyard.FAILURE);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("no-such-file.json does not exist").hasLineCount(1);
  }

  @Test
  void debugAddsTheStackTrace() {
    final Cli.Result result = Cli.run("apply", "softmax", "--in", "no-such-file.json", "--debug");
    assertThat(result.code()).isEqualTo(Steelyard.FAILURE);
    assertThat(result.err()).contains("\tat io.steelyard.");
  }

  @Test
  void completionIsAShellScript() {
    final Cli.Result result = Cli.run("completion");
    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("#!/usr/bin/env bash").contains("_picocli_steelyard_apply");
    assertThat(Cli.run("completion", "--json").json().getAsJsonObject().keySet())
        .containsExactly("shell", "script");
  }
}
