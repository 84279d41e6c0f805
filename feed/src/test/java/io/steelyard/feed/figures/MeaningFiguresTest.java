package io.steelyard.feed.figures;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.steelyard.analysis.multilabel.MultilabelData;
import io.steelyard.analysis.multilabel.XmcFiles;
import io.steelyard.feed.search.DualEncoder;
import io.steelyard.feed.search.DualEncoderTraining;
import io.steelyard.feed.search.DualEncoderTraining.Plan;
import io.steelyard.feed.search.HashedNgrams;
import io.steelyard.feed.search.Lesson;
import io.steelyard.feed.search.Meaning;
import io.steelyard.feed.search.Retrieval;
import io.steelyard.papers.data.DataLocations;
import io.steelyard.papers.data.FileSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * What learning meaning gains, on bookmarks with tags (xml-bibtex): a tag is asked for, a
 * bookmark's words are the document, and it is found if it has the tag. {@code -Dfigures=full}
 * learns as the site does from all bookmarks to train with, the build from some.
 */
class MeaningFiguresTest {

  private static final boolean FULL = "full".equals(System.getProperty("figures"));
  private static final int LESSONS = FULL ? Integer.MAX_VALUE : 600;
  private static final int PASSES = Integer.getInteger("passes", Plan.standard().passes());

  private static List<Lesson> lessons(Path folder, String file) {
    final List<String> words = XmcFiles.readLines(folder.resolve("features.txt"));
    final List<String> tags =
        XmcFiles.readLines(folder.resolve("labels.txt")).stream()
            .map(tag -> tag.replaceFirst("^TAG_", ""))
            .toList();
    final MultilabelData data = XmcFiles.readText(folder.resolve(file));
    final List<Lesson> lessons = new ArrayList<>();
    for (int i = 0; i < data.features().rows(); i++) {
      lessons.add(
          new Lesson(
              Arrays.stream(data.features().columns(i))
                  .mapToObj(words::get)
                  .collect(Collectors.joining(" ")),
              Arrays.stream(data.labels().columns(i)).mapToObj(tags::get).toList()));
    }
    return lessons;
  }

  @Test
  void tagsFindTheirBookmarks() throws InterruptedException {
    final Optional<FileSet.Found> data =
        FileSet.XML_BIBTEX.find(DataLocations.standard(Optional.empty()).withoutNetwork(), _ -> {});
    assumeTrue(data.isPresent(), "needs xml-bibtex, in the folder that STEELYARD_DATA names");
    final Path folder = data.get().folder();
    final List<Lesson> train =
        lessons(folder, "bibtex_train.txt.gz").stream().limit(LESSONS).toList();
    final List<Lesson> test = lessons(folder, "bibtex_test.txt.gz");
    final Map<String, Set<Integer>> wanted = new LinkedHashMap<>();
    for (int i = 0; i < test.size(); i++) {
      for (final String tag : test.get(i).queries()) {
        wanted.computeIfAbsent(tag, _ -> new TreeSet<>()).add(i);
      }
    }
    final Plan plan = Plan.standard();
    final double ngrams = say("hashed n-grams", new HashedNgrams(), test, wanted);
    say("encoder before it learns", learned(train, 0, plan), test, wanted);
    final long start = System.nanoTime();
    final DualEncoder encoder = learned(train, PASSES, plan);
    System.out.printf(
        "figure: learned from %d bookmarks, s: %.0f%n",
        train.size(), (System.nanoTime() - start) / 1e9);
    final double taught = say("encoder", encoder, test, wanted);
    assertThat(taught).as("mean average precision").isGreaterThan(ngrams);
  }

  private static DualEncoder learned(List<Lesson> train, int passes, Plan plan)
      throws InterruptedException {
    return DualEncoderTraining.learn(
        train, new Plan(passes, plan.batch(), plan.rate(), plan.seed()), (_, _, _) -> {});
  }

  private static double say(
      String what, Meaning meaning, List<Lesson> test, Map<String, Set<Integer>> wanted) {
    final Retrieval retrieval =
        new Retrieval(meaning, test.stream().map(Lesson::document).toList());
    double precision = 0;
    double atTen = 0;
    for (final Map.Entry<String, Set<Integer>> tag : wanted.entrySet()) {
      precision += retrieval.averagePrecision(tag.getKey(), tag.getValue()) / wanted.size();
      atTen += retrieval.precisionAtTen(tag.getKey(), tag.getValue()) / wanted.size();
    }
    System.out.printf(
        "figure: %d tags as queries, %d bookmarks, %s: mean average precision %.1f %%,"
            + " precision at ten %.1f %%%n",
        wanted.size(), test.size(), what, 100 * precision, 100 * atTen);
    return precision;
  }
}
