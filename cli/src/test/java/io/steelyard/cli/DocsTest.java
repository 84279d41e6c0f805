package io.steelyard.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.papers.report.PaperPages;
import io.steelyard.papers.run.ShippedRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The pages in docs speak of the operators that there are, and of all of them. */
class DocsTest {

  private static final Path DOCS = Path.of("..", "docs");
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

  @Test
  void linksLeadSomewhere() throws IOException {
    try (Stream<Path> pages = Files.walk(DOCS)) {
      for (final Path page : pages.filter(Files::isRegularFile).toList()) {
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
