package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Files that are read where they lie, known to the byte. They are looked for in the folder given
 * with {@code --data} and in {@code STEELYARD_DATA}, as {@code folder/<name>/<file>}; nothing is
 * downloaded and nothing takes their place.
 *
 * @param name short name, {@code [a-z0-9-]+}; also the folder its files are looked for in
 * @param title in words
 * @param files what belongs to it
 * @param licence terms, as far as its authors state them
 * @param citation where it comes from
 */
public record FileSet(
    String name, String title, List<DataFile> files, String licence, String citation) {

  /** Boxes of two small detectors on 100 images of PASCAL VOC, before any suppression. */
  public static final FileSet VOC100_DETECTIONS =
      new FileSet(
          "voc100-detections",
          "Raw detections on 100 PASCAL VOC images",
          List.of(
              new DataFile(
                  "images.csv",
                  2_019,
                  "0b7f9d8c5db364fc5a4b620a5baf5c5b03f23f19750569110969010c3cd34b78"),
              new DataFile(
                  "ground_truth.csv",
                  9_776,
                  "3390529f4655440310938c7f7c2dccd89555f48f46ceae400431bdeaecf31d5a"),
              new DataFile(
                  "raw_s_320.csv.gz",
                  292_510,
                  "1acc2b78dd57b66dee374e7d7c4d8ab2161f4653946a02bd0eeba37b48226c89"),
              new DataFile(
                  "raw_s_416.csv.gz",
                  341_887,
                  "93232712da08503e98a40cbd0c43c4f823cafc4ad4da0f49a6fae379329fbab3"),
              new DataFile(
                  "raw_xl_320.csv.gz",
                  249_643,
                  "33aae1d6430563c16e91cb4adf8239af932605f82e515faa3a7f256430eeb7dc"),
              new DataFile(
                  "raw_xl_416.csv.gz",
                  276_267,
                  "dcf10260c9241d40a6974397de5da018ff09880ac60180e863da4d63b50b0022")),
          "annotations free for research use",
          "M. Everingham et al. The PASCAL Visual Object Classes Challenge 2012; boxes of"
              + " Yolo-Fastest-1.1 and Yolo-Fastest-1.1-xl (github.com/dog-qiuqiu/Yolo-Fastest).");

  /** Bookmarks with tags: 1,836 words, 159 labels, 4,880 instances to train and 2,515 to test. */
  public static final FileSet XML_BIBTEX =
      new FileSet(
          "xml-bibtex",
          "Bibtex, multi-label",
          List.of(
              new DataFile(
                  "bibtex_train.txt.gz",
                  495_249,
                  "8447143bccfeefbf622f25ef812cfd47322b3717b8a3f116717b71f5e8b52bad"),
              new DataFile(
                  "bibtex_test.txt.gz",
                  258_299,
                  "5feca86d4ec422364a3e70ef47fb206323d9f8b68cdeb1b4bc322ac3ac132075"),
              new DataFile(
                  "features.txt",
                  14_695,
                  "228aaf53fef8e30f3042e0f2fe8ec9a19e88e85403e41a8ac53424128c1b6896"),
              new DataFile(
                  "labels.txt",
                  2_122,
                  "1350ec51060650137a0d7496560f8c4601c0483d47e291c5a26e3a3968effae4")),
          "none stated",
          "I. Katakis, G. Tsoumakas, I. Vlahavas. Multilabel text classification for automated tag"
              + " suggestion. ECML/PKDD Discovery Challenge, 2008.");

  /** Web pages with tags: 500 words, 983 labels, 12,920 instances to train and 3,185 to test. */
  public static final FileSet XML_DELICIOUS =
      new FileSet(
          "xml-delicious",
          "Delicious, multi-label",
          List.of(
              new DataFile(
                  "delicious_train.txt.gz",
                  578_026,
                  "4d68f1d95cf6a51e9456e970faf5015dc956ee7d3529566d9bdc28963a797491"),
              new DataFile(
                  "delicious_test.txt.gz",
                  141_014,
                  "ace77c774cd512becc08effd240dcb94817e8ecf5436690329771eb3507dc420"),
              new DataFile(
                  "features.txt",
                  3_588,
                  "e63471d4d2cdaed7ca8e4d3732e2a771448cc8705f14c8ab8b7a2f015c83c69e"),
              new DataFile(
                  "labels.txt",
                  11_591,
                  "5e54598c3cf746c696ab6684d05edf5d1baf0066bf62fa4699b7e2ceca07c033")),
          "none stated",
          "G. Tsoumakas, I. Katakis, I. Vlahavas. Effective and efficient multilabel classification"
              + " in domains with large number of labels. ECML/PKDD workshop on mining"
              + " multidimensional data, 2008.");

  /** Copies the list and checks the name. */
  public FileSet {
    if (!name.matches("[a-z0-9-]+")) {
      throw new IllegalArgumentException("file set name is '" + name + "'; expected [a-z0-9-]+");
    }
    files = List.copyOf(files);
  }

  /**
   * Where it was found.
   *
   * @param folder with all files, intact
   * @param origin place and identity in words, for run records; never a path of this machine
   */
  public record Found(Path folder, String origin) {}

  /**
   * Looks for it, checksums verified.
   *
   * @param warnings told in one line each why a place was passed over
   * @throws DataException if the folder given with {@code --data} holds damaged files of it
   */
  public Optional<Found> find(DataLocations locations, Consumer<String> warnings) {
    for (final LocalFolder root : LocalFolder.roots(locations)) {
      final Path folder = root.folder().resolve(name);
      final List<String> problems = files.stream().flatMap(file -> problem(folder, file)).toList();
      if (problems.isEmpty()) {
        return Optional.of(new Found(folder, root.place().label() + " (" + fingerprint() + ")"));
      }
      if (Files.isDirectory(folder)) {
        final String text = String.join("; ", problems);
        if (root.place() == DataSource.GIVEN) {
          throw new DataException("--data holds damaged files of " + title + ": " + text);
        }
        warnings.accept(root.place().label() + ": " + text + "; not used");
      }
    }
    warnings.accept(title + " (" + name + ") was not found in --data or STEELYARD_DATA; left out");
    return Optional.empty();
  }

  private static Stream<String> problem(Path folder, DataFile file) {
    final Path path = folder.resolve(file.name());
    try {
      return Files.exists(path)
          ? DataFolder.mismatch(path, file).stream()
          : Stream.of(path + " is missing");
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot read " + path, failure);
    }
  }

  /** What the files are: the checksums of all of them. */
  private String fingerprint() {
    return "sha256 " + files.stream().map(DataFile::shortSha256).collect(Collectors.joining(", "));
  }
}
