package io.steelyard.layers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every example in the documentation of this module and on its pages compiles. An example is what
 * stands in {@code <pre>{@code ...}</pre>}; one that is not Java begins with a line of {@code
 * NAME=value}.
 */
class ExamplesTest {

  private static final Path SOURCES = Path.of("src", "main", "java");
  private static final Path DOCS = Path.of("..", "docs");
  private static final Pattern FENCE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern COMMENT = Pattern.compile("/\\*\\*.*?\\*/", Pattern.DOTALL);
  private static final String START = "<pre>{@code";
  private static final String END = "}</pre>";
  private static final Pattern IMPORT = Pattern.compile("^import [^;]+;", Pattern.MULTILINE);
  private static final Pattern SHELL = Pattern.compile("\\s*[A-Z_]+=\\S+ .*", Pattern.DOTALL);

  /** Checks all units, whatever is wrong with one, and writes no class files. */
  private static final List<String> OPTIONS =
      List.of(
          "-cp",
          System.getProperty("java.class.path"),
          "-proc:none",
          "-implicit:none",
          "-Xlint:none",
          "-XDshould-stop.ifError=FLOW",
          "-XDshould-stop.ifNoError=FLOW");

  /** What examples may use without saying what it is. */
  private static final Pattern OWN =
      Pattern.compile(
          "package ([\\w.]+);.*?\\npublic (?:[a-z]+ )*(?:class|record|interface|enum) (\\w+)",
          Pattern.DOTALL);

  private static final String PRELUDE =
      """
      NDManager manager;
      NDArray images, labels, scores, x, q, k, v, mask, weights, logits, tokens, targets;
      RandomGenerator random;
      Path file;
      Block net, student, head;
      Training training;
      Examples data;
      Batches order;
      Iterable<int[]> batches;
      double accuracy;
      """;

  private static final String IMPORTS =
      """
      import ai.djl.*;
      import ai.djl.nn.core.*;
      import java.util.function.*;
      import ai.djl.ndarray.*;
      import ai.djl.ndarray.types.*;
      import ai.djl.nn.*;
      import ai.djl.training.*;
      import ai.djl.training.loss.*;
      import io.steelyard.kernels.operator.*;
      import io.steelyard.kernels.tensor.*;
      import java.nio.file.*;
      import java.util.*;
      import java.util.random.*;
      """;

  /** All in one run of the compiler, which is many times faster than one for each file. */
  @TestFactory
  Stream<DynamicTest> examplesCompile() {
    final Map<String, String> units = new TreeMap<>();
    final Map<String, Path> files = new TreeMap<>();
    Stream.concat(sources(), pages())
        .filter(source -> !examples(read(source)).isEmpty())
        .forEach(
            source -> {
              final String text = read(source);
              final String name = source.toString().replaceAll("\\W", "_");
              units.put(name, unit(text, examples(text), name));
              files.put(name, source);
            });
    final Map<String, List<String>> errors = errors(units);
    return units.keySet().stream()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    files.get(name).getFileName().toString(),
                    files.get(name).toUri(),
                    () ->
                        assertThat(errors.getOrDefault(name, List.of()))
                            .describedAs(numbered(units.get(name)))
                            .isEmpty()));
  }

  @Test
  void examplesAreFound() {
    assertThat(sources().mapToLong(source -> examples(read(source)).size()).sum()).isGreaterThan(8);
  }

  @Test
  void brokenExamplesAreNoticedEachOnItsOwn() {
    final String owner = "package io.steelyard.layers.training;";
    final Map<String, List<String>> errors =
        errors(
            Map.of(
                "Unknown", unit(owner, List.of("NDArray y = x.noSuchMethod();"), "Unknown"),
                "Unparsable", unit(owner, List.of("NDArray y = ;"), "Unparsable"),
                "Mistyped", unit(owner, List.of("int y = x.mul(2);"), "Mistyped"),
                "Whole", unit(owner, List.of("NDArray y = x.mul(2);"), "Whole")));
    assertThat(errors).containsOnlyKeys("Unknown", "Unparsable", "Mistyped");
    assertThat(errors.get("Unknown").getFirst()).contains("noSuchMethod");
  }

  private static String numbered(String unit) {
    final List<String> lines = unit.lines().toList();
    return IntStream.range(0, lines.size())
        .mapToObj(i -> (i + 1) + ": " + lines.get(i))
        .collect(Collectors.joining("\n"));
  }

  /** Pages whose code is about this module. */
  private static Stream<Path> pages() {
    return Stream.of("devices.md", "training.md").map(DOCS::resolve);
  }

  private static Stream<Path> sources() {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path source) {
    try {
      return Files.readString(source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The examples without the stars before their lines. */
  private static List<String> examples(String source) {
    final List<String> examples = new ArrayList<>();
    FENCE.matcher(source).results().map(match -> match.group(1)).forEach(examples::add);
    final Matcher comments = COMMENT.matcher(source);
    while (comments.find()) {
      final String text = comments.group().replaceAll("(?m)^\\s*\\* ?", "");
      int from = text.indexOf(START);
      while (from >= 0) {
        final int to = text.indexOf(END, from);
        assertThat(to).describedAs("end of the example in " + text).isPositive();
        final String example = text.substring(from + START.length(), to);
        if (!SHELL.matcher(example).matches()) {
          examples.add(example);
        }
        from = text.indexOf(START, to);
      }
    }
    return examples;
  }

  /** All packages of this module, so that examples may combine families. */
  private static List<String> packages() {
    return sources()
        .map(source -> SOURCES.relativize(source).getParent().toString())
        .map(folder -> folder.replace(File.separatorChar, '.'))
        .distinct()
        .toList();
  }

  /** One class with a method for each example, importing what the source imports. */
  private static String unit(String source, List<String> examples, String name) {
    final TreeSet<String> imports = new TreeSet<>();
    final Matcher named = IMPORT.matcher(source);
    while (named.find()) {
      imports.add(named.group());
    }
    // The class itself by name, since DJL may have one of the same simple name.
    final Matcher own = OWN.matcher(source);
    if (own.find()) {
      imports.add("import " + own.group(1) + "." + own.group(2) + ";");
    }
    final StringBuilder text = new StringBuilder(2000);
    imports.forEach(line -> text.append(line).append('\n'));
    text.append(IMPORTS);
    packages().forEach(each -> text.append("import ").append(each).append(".*;\n"));
    text.append("class ").append(name).append(" {\n").append(PRELUDE);
    for (int i = 0; i < examples.size(); i++) {
      text.append(
          String.format(
              Locale.ROOT, "void example%d() throws Exception {%n%s%n}%n", i, examples.get(i)));
    }
    return text.append("}\n").toString();
  }

  /** What javac says against these compilation units, by their names. */
  private static Map<String, List<String>> errors(Map<String, String> units) {
    final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    final DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
    final List<Unit> files =
        units.entrySet().stream().map(unit -> new Unit(unit.getKey(), unit.getValue())).toList();
    compiler.getTask(null, null, diagnostics, OPTIONS, null, files).call();
    return diagnostics.getDiagnostics().stream()
        .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
        .collect(
            Collectors.groupingBy(
                diagnostic ->
                    diagnostic.getSource() instanceof Unit unit ? unit.name : "the compiler",
                Collectors.mapping(
                    diagnostic ->
                        diagnostic.getLineNumber() + ": " + diagnostic.getMessage(Locale.ROOT),
                    Collectors.toList())));
  }

  /** A source that is nowhere on disk. */
  private static final class Unit extends SimpleJavaFileObject {

    private final String name;
    private final String text;

    Unit(String name, String text) {
      super(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE);
      this.name = name;
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}
