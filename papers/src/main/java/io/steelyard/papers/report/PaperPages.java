package io.steelyard.papers.report;

import static io.steelyard.papers.report.Markdown.text;

import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.layers.Layer;
import io.steelyard.layers.Layers;
import io.steelyard.papers.catalogue.Catalogue;
import io.steelyard.papers.catalogue.Paper;
import io.steelyard.papers.claim.Claim;
import io.steelyard.papers.claim.Finding;
import io.steelyard.papers.reproduction.Reproduction;
import io.steelyard.papers.reproduction.Reproductions;
import io.steelyard.papers.run.AtomicFile;
import io.steelyard.papers.run.Run;
import io.steelyard.papers.run.RunSelection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The documentation's page of each paper, made from the catalogue, the registries and runs: idea,
 * what is built, how to call it, claims and what came of them.
 */
public final class PaperPages {

  private static final String INDEX = "README.md";

  private PaperPages() {}

  /**
   * Writes the pages and their index into a folder, each atomically.
   *
   * @throws java.io.UncheckedIOException if a file cannot be written
   */
  public static void write(List<Run> runs, Path folder) {
    of(runs).forEach((name, page) -> AtomicFile.write(folder.resolve(name), page));
  }

  /**
   * The pages of all papers of which anything is built, and their index, by file name.
   *
   * @param runs of any papers and scales; of each paper the newest that decide are told
   */
  public static Map<String, String> of(List<Run> runs) {
    final List<Page> pages =
        Catalogue.all().stream()
            .sorted(Comparator.comparingInt(Paper::number))
            .map(paper -> Page.of(paper, runs))
            .filter(Page::isBuilt)
            .toList();
    final Map<String, String> files = new LinkedHashMap<>();
    files.put(INDEX, index(pages));
    pages.forEach(page -> files.put(page.file(), page.render()));
    return files;
  }

  private static String index(List<Page> pages) {
    final Markdown out = new Markdown();
    out.line("# The papers");
    out.line("");
    out.line(
        "Made by `./steelyard docs` from the catalogue, the registries and the runs in"
            + " `results/quick`; do not edit by hand.");
    out.line("");
    out.row(List.of("#", "paper", "operators and layers", "claims"));
    out.row(List.of("---:", "---", "---", "---"));
    for (final Page page : pages) {
      out.row(
          List.of(
              Integer.toString(page.paper().number()),
              "[" + text(page.paper().title()) + "](" + page.file() + ")",
              Stream.concat(
                      page.operators().stream().map(Operator::name),
                      page.layers().stream().map(layer -> layer.type().getSimpleName()))
                  .distinct()
                  .map(name -> "`" + name + "`")
                  .collect(Collectors.joining(", ")),
              page.verdicts()));
    }
    return out.toString();
  }

  /**
   * One page.
   *
   * @param operators that the paper defines
   * @param layers that the paper defines
   * @param runs that speak for the paper, of one scale
   */
  private record Page(
      Paper paper,
      List<Operator> operators,
      List<Layer> layers,
      Optional<Reproduction> reproduction,
      List<Run> runs) {

    static Page of(Paper paper, List<Run> runs) {
      return new Page(
          paper,
          Operators.all().stream()
              .filter(operator -> operator.source().work().equals(paper.arxivId()))
              .toList(),
          Layers.of(paper.arxivId()),
          Reproductions.find(paper.slug()),
          RunSelection.newest(runs, paper.slug(), Optional.empty()));
    }

    boolean isBuilt() {
      return !operators.isEmpty() || !layers.isEmpty() || reproduction.isPresent();
    }

    String file() {
      return String.format(Locale.ROOT, "%02d-%s.md", paper.number(), paper.slug());
    }

    String verdicts() {
      final List<Claim> claims = reproduction.map(Reproduction::claims).orElse(List.of());
      if (runs.isEmpty()) {
        return claims.isEmpty() ? "" : claims.size() + " not run yet";
      }
      return claims.stream()
          .map(claim -> Finding.of(claim, runs).verdict().label())
          .collect(Collectors.groupingBy(label -> label, LinkedHashMap::new, Collectors.counting()))
          .entrySet()
          .stream()
          .map(entry -> entry.getValue() + " " + entry.getKey())
          .collect(Collectors.joining(", "));
    }

    String render() {
      final Markdown out = new Markdown();
      out.line("# " + paper.number() + ". " + text(paper.title()));
      out.line("");
      final List<String> facts = new ArrayList<>();
      facts.add("[arXiv " + paper.arxivId() + "](" + paper.arxivPage() + ")");
      facts.add(paper.date().toString());
      facts.add(text(String.join(", ", paper.kind())));
      paper.code().ifPresent(code -> facts.add("[the authors' code](" + code + ")"));
      out.line(String.join(" · ", facts));
      out.line("");
      out.line(text(paper.idea()));
      out.line("");
      out.line("## What is built");
      out.line("");
      operators.forEach(
          operator ->
              out.line(
                  "- operator `"
                      + operator.name()
                      + "` ([which to choose](../"
                      + operator.family()
                      + ".md)): "
                      + text(operator.summary())
                      + " Source: "
                      + text(operator.source().where())
                      + "."));
      layers.forEach(
          layer ->
              out.line(
                  "- "
                      + layer.kind().name().toLowerCase(Locale.ROOT)
                      + " `"
                      + layer.type().getName()
                      + "`: "
                      + text(layer.summary())));
      reproduction.ifPresent(one -> out.line("- reproduction `" + one.getClass().getName() + "`"));
      out.line("");
      out.line("## How to call it");
      out.line("");
      out.line("```sh");
      operators.forEach(
          operator ->
              out.line("./steelyard operators " + operator.name() + "   # inputs, an example"));
      reproduction.ifPresent(_ -> out.line("./steelyard reproduce " + paper.slug()));
      out.line("```");
      out.line("");
      if (!layers.isEmpty()) {
        out.line("Each class's documentation begins with an example that the build compiles.");
        out.line("");
      }
      reproduction.ifPresent(one -> results(one, out));
      return out.toString().stripTrailing() + "\n";
    }

    private void results(Reproduction one, Markdown out) {
      out.line("## Claims, and what came of them here");
      out.line("");
      out.line(text(one.design()));
      out.line("");
      if (runs.isEmpty()) {
        out.line("Not run yet for these pages: the claims and their rules.");
      } else {
        out.line(
            "At scale "
                + runs.getFirst().scale().label()
                + ", seeds "
                + runs.stream()
                    .map(run -> Long.toString(run.seed()))
                    .collect(Collectors.joining(", "))
                + ", on "
                + text(
                    runs.stream()
                        .map(run -> run.machine().summary())
                        .distinct()
                        .collect(Collectors.joining("; ")))
                + ".");
      }
      out.line("");
      out.row(List.of("claim", "published", "here", "verdict", "rule"));
      out.row(List.of("---", "---", "---", "---", "---"));
      for (final Claim claim : one.claims()) {
        final Optional<Finding> finding =
            runs.isEmpty() ? Optional.empty() : Optional.of(Finding.of(claim, runs));
        out.row(
            List.of(
                text(claim.statement()),
                text(claim.published()),
                finding
                    .map(f -> text((Words.value(f) + " " + Words.interval(f)).strip()))
                    .orElse(""),
                finding.map(f -> "**" + f.verdict().label() + "**").orElse("not run"),
                text(claim.rule())));
      }
    }
  }
}
