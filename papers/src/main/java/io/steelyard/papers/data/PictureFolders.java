package io.steelyard.papers.data;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * Labelled pictures in files, a folder for each class, as ImageNet is laid out: {@code
 * train/<class>/<file>} and {@code val/<class>/<file>}. Labels follow the names of the classes in
 * order. Files are listed once and read when asked for; those that do not end in .jpeg, .jpg or
 * .png are not looked at.
 *
 * @param folder with train and val
 * @param classes names, by label
 * @param train training part
 * @param test what the folder calls val
 */
public record PictureFolders(
    Path folder, List<String> classes, List<Picture> train, List<Picture> test) {

  /** Folder of ImageNet-1K in {@code --data} and {@code STEELYARD_DATA}. */
  public static final String IMAGENET = "imagenet-1k";

  private static final Set<String> ENDINGS = Set.of("jpeg", "jpg", "png");

  /**
   * A picture.
   *
   * @param name file, relative to the folder
   * @param label its class
   */
  public record Picture(String name, int label) {}

  /** Copies the lists. */
  public PictureFolders {
    classes = List.copyOf(classes);
    train = List.copyOf(train);
    test = List.copyOf(test);
  }

  /**
   * ImageNet-1K where data are looked for; nothing is downloaded and nothing takes its place.
   *
   * @param warnings told in one line if it is not there
   * @throws DataException if a folder of that name is there and is not laid out so
   */
  public static Optional<PictureFolders> imageNet(
      DataLocations locations, Consumer<String> warnings) {
    final Optional<Path> found =
        LocalFolder.named(IMAGENET, locations).stream().map(LocalFolder::folder).findFirst();
    if (found.isEmpty()) {
      warnings.accept(
          "ImageNet-1K ("
              + IMAGENET
              + "/train and "
              + IMAGENET
              + "/val, a folder for each class) was not found in --data or STEELYARD_DATA; left"
              + " out");
    }
    return found.map(PictureFolders::read);
  }

  /** Whether there is a folder of ImageNet-1K, whatever is in it. */
  public static boolean isIn(DataLocations locations) {
    return !LocalFolder.named(IMAGENET, locations).isEmpty();
  }

  /**
   * Lists a folder.
   *
   * @throws DataException if train or val is missing, a class of one is missing in the other, or a
   *     class has no picture
   */
  public static PictureFolders read(Path folder) {
    final List<String> classes = classes(folder.resolve("train"));
    final List<String> tested = classes(folder.resolve("val"));
    if (!classes.equals(tested)) {
      final List<String> odd =
          Stream.concat(
                  classes.stream().filter(name -> !tested.contains(name)),
                  tested.stream().filter(name -> !classes.contains(name)))
              .limit(3)
              .toList();
      throw new DataException(
          folder
              + ": found "
              + classes.size()
              + " classes in train and "
              + tested.size()
              + " in val, not in both: "
              + odd
              + "; expected the same");
    }
    return new PictureFolders(
        folder, classes, pictures(folder, "train", classes), pictures(folder, "val", classes));
  }

  private static List<String> classes(Path part) {
    if (!Files.isDirectory(part)) {
      throw new DataException(part + ": found no such folder, expected one with a folder a class");
    }
    final List<String> names;
    try (Stream<Path> entries = Files.list(part)) {
      names =
          entries
              .filter(Files::isDirectory)
              .map(entry -> entry.getFileName().toString())
              .sorted()
              .toList();
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot list " + part, failure);
    }
    if (names.isEmpty()) {
      throw new DataException(part + ": found no folders, expected one a class");
    }
    return names;
  }

  private static List<Picture> pictures(Path folder, String part, List<String> classes) {
    final List<Picture> pictures = new ArrayList<>();
    for (int label = 0; label < classes.size(); label++) {
      final String inside = part + "/" + classes.get(label);
      final Path place = folder.resolve(inside);
      final int before = pictures.size();
      try (Stream<Path> entries = Files.list(place)) {
        for (final String name :
            entries.map(entry -> entry.getFileName().toString()).sorted().toList()) {
          final String ending = name.substring(name.lastIndexOf('.') + 1);
          if (ENDINGS.contains(ending.toLowerCase(Locale.ROOT))) {
            pictures.add(new Picture(inside + "/" + name, label));
          }
        }
      } catch (final IOException failure) {
        throw new UncheckedIOException("cannot list " + place, failure);
      }
      if (pictures.size() == before) {
        throw new DataException(place + ": found no .jpeg, .jpg or .png file, expected pictures");
      }
    }
    return pictures;
  }

  /** What it is, for run records: how much of it there is, never a path. */
  public String origin() {
    return String.format(
        Locale.ROOT,
        "%,d and %,d pictures of %,d classes",
        train.size(),
        test.size(),
        classes.size());
  }

  /**
   * Reads a picture; grey and CMYK ones become red, green and blue too.
   *
   * @throws DataException if the file holds no picture that can be read
   */
  public BufferedImage load(Picture picture) {
    final Path file = folder.resolve(picture.name());
    final Optional<BufferedImage> read;
    try {
      read = Optional.ofNullable(ImageIO.read(file.toFile()));
    } catch (final IOException | RuntimeException damage) {
      throw new DataException(
          file + ": found a damaged file (" + damage.getMessage() + "), expected a picture",
          damage);
    }
    final BufferedImage image =
        read.orElseThrow(
            () -> new DataException(file + ": found no known format, expected JPEG or PNG"));
    final BufferedImage colours =
        new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
    final Graphics2D graphics = colours.createGraphics();
    graphics.drawImage(image, 0, 0, null);
    graphics.dispose();
    return colours;
  }
}
