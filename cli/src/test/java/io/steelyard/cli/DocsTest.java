package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.layers.Layer;
import io.steelyard.layers.Layers;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.report.PaperPages;
import io.steelyard.papers.run.ShippedRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The pages in docs speak of the operators that there are, and of all of them. */
class DocsTest {

  private static final Path DOCS = Path.of("..", "docs");
  private static final Pattern NAME = Pattern.compile("`([a-z0-9-]+)`");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)\\)");

  @TestFactory
  Stream<DynamicTest> everyOperatorIsOnThePageOfItsFamily() {
    return Operators.all().stream()
        .map(
            operator ->
                DynamicTest.dynamicTest(
                    operator.name(),
                    () ->
                        assertThat(read(operator.family() + ".md"))
                            .contains("`" + operator.name() + "`")));
  }

  @Test
  void everyPageHasTheSameParts() throws IOException {
    final Map<String, String> families = new TreeMap<>();
    for (final Operator operator : Operators.all()) {
      families.put(operator.family(), read(operator.family() + ".md"));
    }
    families.forEach(
        (family, page) ->
            assertThat(page)
                .as(family)
                .contains("**When not to.**", "**Cost.**", "**Edges.**", "**Warm-up.**"));
    assertThat(families.keySet())
        .allSatisfy(family -> assertThat(read("README.md")).contains("](" + family + ".md)"));
  }

  /** One line of the table of methods. */
  private record Method(
      String name,
      String papers,
      List<String> operators,
      List<String> layers,
      List<String> losses,
      String page,
      String cost,
      String settings) {

    static Method of(String line) {
      final List<String> cells =
          Arrays.stream(line.split("\\|", -1)).skip(1).limit(8).map(String::strip).toList();
      assertThat(cells).as(line).hasSize(8);
      return new Method(
          cells.get(0),
          cells.get(1),
          names(cells.get(2)),
          names(cells.get(3)),
          names(cells.get(4)),
          cells.get(5),
          cells.get(6),
          cells.get(7));
    }

    private static List<String> names(String cell) {
      return NAME.matcher(cell).results().map(match -> match.group(1)).toList();
    }
  }

  private static List<Method> methods() throws IOException {
    return read("methods.md")
        .lines()
        .filter(line -> line.startsWith("|"))
        .skip(2)
        .map(Method::of)
        .toList();
  }

  @Test
  void everyOperatorAndLayerIsOnceInTheTableOfMethods() throws IOException {
    final List<Method> methods = methods();
    assertThat(methods.stream().flatMap(method -> method.operators().stream()))
        .as("operators in docs/methods.md")
        .containsExactlyInAnyOrderElementsOf(Operators.all().stream().map(Operator::name).toList());
    final Map<Boolean, List<String>> layers =
        Layers.all().stream()
            .collect(
                Collectors.partitioningBy(
                    layer -> layer.kind() == Layer.Kind.LOSS,
                    Collectors.mapping(Layer::name, Collectors.toList())));
    assertThat(methods.stream().flatMap(method -> method.layers().stream()))
        .as("layers in docs/methods.md")
        .containsExactlyInAnyOrderElementsOf(layers.get(false));
    assertThat(methods.stream().flatMap(method -> method.losses().stream()))
        .as("losses in docs/methods.md")
        .containsExactlyInAnyOrderElementsOf(layers.get(true));
  }

  @Test
  void tableOfMethodsNamesTheirPapersAndPages() throws IOException {
    for (final Method method : methods()) {
      for (final String name : method.operators()) {
        final Operator operator = Operators.named(name);
        assertThat(method.papers()).as(name).contains(operator.source().work());
        assertThat(method.page()).as(name).isEqualTo("[%1$s](%1$s.md)", operator.family());
      }
      for (final String name : method.layers()) {
        assertThat(method.papers()).as(name).contains(Layers.named(name).arxiv());
      }
      for (final String name : method.losses()) {
        assertThat(method.papers()).as(name).contains(Layers.named(name).arxiv());
      }
      for (final Paper paper : Catalogue.all()) {
        if (method.papers().contains(paper.arxivId())) {
          assertThat(method.papers())
              .as(method.name())
              .contains(
                  String.format(
                      Locale.ROOT,
                      "[%1$s](https://arxiv.org/abs/%1$s) (%2$02d)",
                      paper.arxivId(),
                      paper.number()));
        }
      }
      assertThat(method.cost()).as("cost of %s", method.name()).isNotEmpty();
      assertThat(method.settings()).as("settings of %s", method.name()).isNotEmpty();
    }
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    try (Stream<Path> pages = Files.walk(DOCS)) {
      for (final Path page : pages.filter(file -> file.toString().endsWith(".md")).toList()) {
        final Matcher links = LINK.matcher(Files.readString(page));
        while (links.find()) {
          assertThat(page.resolveSibling(links.group(1)))
              .as("link in %s", page.getFileName())
              .exists();
        }
      }
    }
  }

  @Test
  void pagesOfPapersAreThoseOfTheRegistriesAndRuns() throws IOException {
    final Path folder = DOCS.resolve("papers");
    final Map<String, String> committed = new TreeMap<>();
    try (Stream<Path> pages = Files.list(folder)) {
      for (final Path page : pages.toList()) {
        committed.put(page.getFileName().toString(), Files.readString(page));
      }
    }
    final Map<String, String> made = PaperPages.of(ShippedRuns.list().runs());
    assertThat(committed.keySet())
        .as("pages in docs/papers; './steelyard docs' makes them")
        .containsExactlyInAnyOrderElementsOf(made.keySet());
    made.forEach(
        (name, page) ->
            assertThat(committed.get(name))
                .as("docs/papers/%s; './steelyard docs' makes it anew", name)
                .isEqualTo(page));
  }

  private static String read(String page) throws IOException {
    return Files.readString(DOCS.resolve(page));
  }
}
