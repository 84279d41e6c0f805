package io.steelyard.papers.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A published set of pictures in its authors' own files, which a user has to fetch. They are looked
 * for in the folder given with {@code --data} and in {@code STEELYARD_DATA}, in the folder that the
 * archive unpacks to, and where names are telling also beside it; nothing is downloaded and nothing
 * takes their place. Their checksums are computed when they are found, not compared: contents are
 * checked as far as the format allows.
 *
 * @param name short name, {@code [a-z0-9-]+}
 * @param title as its authors write it
 * @param classes number of classes
 * @param folders where its files are looked for, relative to a folder of data, the usual one first
 * @param format how its files are read
 */
public record PictureSet(
    String name, String title, int classes, List<String> folders, Format format) {

  /** How files hold pictures. */
  public sealed interface Format {

    /** What has to be there. */
    List<String> files();

    /**
     * The binary form of CIFAR.
     *
     * @param train files of the training part, in order
     * @param test file of the test part
     * @param labelBytes before each picture, the last of which is its label
     */
    record Cifar(List<String> train, String test, int labelBytes) implements Format {

      /** Copies the list. */
      public Cifar {
        train = List.copyOf(train);
      }

      @Override
      public List<String> files() {
        return Stream.concat(train.stream(), Stream.of(test)).toList();
      }
    }

    /** The cropped digits of SVHN as MATLAB files. */
    record Matlab(String train, String test) implements Format {
      @Override
      public List<String> files() {
        return List.of(train, test);
      }
    }

    /** A set of MedMNIST. */
    record Npz(String file) implements Format {
      @Override
      public List<String> files() {
        return List.of(file);
      }
    }
  }

  /** Photographs of 10 kinds of things: 50,000 to train on and 10,000 of 3 x 32 x 32. */
  public static final PictureSet CIFAR_10 =
      new PictureSet(
          "cifar-10",
          "CIFAR-10",
          10,
          List.of("cifar-10-batches-bin"),
          new Format.Cifar(
              List.of(
                  "data_batch_1.bin",
                  "data_batch_2.bin",
                  "data_batch_3.bin",
                  "data_batch_4.bin",
                  "data_batch_5.bin"),
              "test_batch.bin",
              1));

  /** The same of 100 kinds. */
  public static final PictureSet CIFAR_100 =
      new PictureSet(
          "cifar-100",
          "CIFAR-100",
          100,
          List.of("cifar-100-binary"),
          new Format.Cifar(List.of("train.bin"), "test.bin", 2));

  /** Digits of house numbers: 73,257 to train on and 26,032 of 3 x 32 x 32. */
  public static final PictureSet SVHN =
      new PictureSet(
          "svhn",
          "SVHN",
          10,
          List.of("svhn", ""),
          new Format.Matlab("train_32x32.mat", "test_32x32.mat"));

  /** The sets of MedMNIST v2 of flat pictures with one label each, 28 x 28, grey or in colours. */
  public static final List<PictureSet> MED_MNIST =
      List.of(
          medMnist("PathMNIST", 9),
          medMnist("DermaMNIST", 7),
          medMnist("OCTMNIST", 4),
          medMnist("PneumoniaMNIST", 2),
          medMnist("RetinaMNIST", 5),
          medMnist("BreastMNIST", 2),
          medMnist("BloodMNIST", 8),
          medMnist("TissueMNIST", 8),
          medMnist("OrganAMNIST", 11),
          medMnist("OrganCMNIST", 11),
          medMnist("OrganSMNIST", 11));

  private static PictureSet medMnist(String title, int classes) {
    final String name = title.toLowerCase(Locale.ROOT);
    return new PictureSet(
        name, title, classes, List.of("medmnist", ""), new Format.Npz(name + ".npz"));
  }

  /** Copies the list and checks the name. */
  public PictureSet {
    folders = List.copyOf(folders);
    if (!name.matches("[a-z0-9-]+")) {
      throw new IllegalArgumentException("picture set name is '" + name + "'; expected [a-z0-9-]+");
    }
  }

  /**
   * Where it was found.
   *
   * @param set what it is
   * @param folder with all its files
   * @param origin place and computed checksums in words, for run records; never a path of this
   *     machine
   */
  public record Found(PictureSet set, Path folder, String origin) {

    /**
     * Reads the pictures.
     *
     * @throws DataException if a file is damaged; the message names the file, the place, what was
     *     found and what was expected
     */
    public Pictures read() {
      return set.read(folder);
    }
  }

  /**
   * Looks for it, and reads it once, so that a damaged file ends a run before its hours and not
   * after them.
   *
   * @param warnings told in one line if it is not there
   * @throws DataException if some of its files are missing where others are, or one is damaged
   */
  public Optional<Found> find(DataLocations locations, Consumer<String> warnings) {
    for (final LocalFolder root : LocalFolder.roots(locations)) {
      for (final Path candidate : folders.stream().map(root.folder()::resolve).toList()) {
        if (complete(candidate)) {
          read(candidate);
          return Optional.of(
              new Found(this, candidate, root.place().label() + " (" + checksums(candidate) + ")"));
        }
      }
    }
    warnings.accept(
        "%s (%s in %s) was not found in --data or STEELYARD_DATA; left out"
            .formatted(title, String.join(", ", format.files()), folders.getFirst()));
    return Optional.empty();
  }

  /** Whether all its files are there, whatever is in them. */
  public boolean isIn(DataLocations locations) {
    return LocalFolder.roots(locations).stream()
        .flatMap(root -> folders.stream().map(root.folder()::resolve))
        .anyMatch(
            place -> format.files().stream().allMatch(file -> Files.exists(place.resolve(file))));
  }

  private boolean complete(Path candidate) {
    final List<String> missing =
        format.files().stream().filter(file -> !Files.exists(candidate.resolve(file))).toList();
    if (!missing.isEmpty() && missing.size() < format.files().size()) {
      throw new DataException(
          "%s: found some files of %s, expected also %s"
              .formatted(candidate, title, String.join(", ", missing)));
    }
    return missing.isEmpty();
  }

  private Pictures read(Path place) {
    return switch (format) {
      case Format.Cifar(List<String> train, String test, int labelBytes) ->
          new Pictures(
              CifarReader.read(train.stream().map(place::resolve).toList(), labelBytes, classes),
              CifarReader.read(List.of(place.resolve(test)), labelBytes, classes));
      case Format.Matlab(String train, String test) ->
          new Pictures(SvhnReader.read(place.resolve(train)), SvhnReader.read(place.resolve(test)));
      case Format.Npz(String file) -> MedMnistReader.read(place.resolve(file), classes);
    };
  }

  private String checksums(Path place) {
    return "sha256 "
        + format.files().stream()
            .map(
                file -> {
                  try {
                    return DataFile.sha256(place.resolve(file));
                  } catch (final IOException failure) {
                    throw new UncheckedIOException("cannot read " + place.resolve(file), failure);
                  }
                })
            .collect(Collectors.joining(", "));
  }
}
