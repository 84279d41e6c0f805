package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import us.hebi.matlab.mat.format.Mat5;
import us.hebi.matlab.mat.types.MatlabType;

class PictureSetTest {

  private static final PictureSet BLOOD = medMnist("bloodmnist");

  @TempDir Path folder;

  private final List<String> warnings = new ArrayList<>();

  private static PictureSet medMnist(String name) {
    return PictureSet.MED_MNIST.stream()
        .filter(set -> set.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private Optional<PictureSet.Found> find(PictureSet set) {
    return set.find(
        new DataLocations(Optional.of(folder), Optional.empty(), folder, true), warnings::add);
  }

  private void assertDamaged(PictureSet set, String file, String message) {
    assertThatExceptionOfType(DataException.class)
        .isThrownBy(() -> find(set))
        .withMessage(folder.resolve(file) + ": " + message);
  }

  @Test
  void whatIsMissingIsLeftOutInOneLine() {
    assertThat(find(PictureSet.SVHN)).isEmpty();
    assertThat(warnings)
        .containsExactly(
            "SVHN (train_32x32.mat, test_32x32.mat in svhn) was not found in --data or"
                + " STEELYARD_DATA; left out");
  }

  @Test
  void theOriginSaysWhatWasRead() throws IOException {
    MadeUpPictures.cifar100(folder, 3);
    final Path train = folder.resolve("cifar-100-binary").resolve("train.bin");
    final Path test = folder.resolve("cifar-100-binary").resolve("test.bin");
    assertThat(find(PictureSet.CIFAR_100).orElseThrow().origin())
        .isEqualTo(
            "--data (sha256 %s, %s)".formatted(DataFile.sha256(train), DataFile.sha256(test)));
    final DataLocations environment =
        new DataLocations(Optional.empty(), Optional.of(folder), folder, true);
    assertThat(PictureSet.CIFAR_100.find(environment, warnings::add).orElseThrow().origin())
        .startsWith("STEELYARD_DATA (sha256 ");
    assertThat(warnings).isEmpty();
  }

  @Test
  void filesWithTellingNamesMayLieInTheFolderItself() throws IOException {
    MadeUpPictures.svhn(folder, 2);
    MadeUpPictures.medMnist(folder, BLOOD, 4, true);
    for (final String file :
        List.of("svhn/train_32x32.mat", "svhn/test_32x32.mat", "medmnist/bloodmnist.npz")) {
      final Path from = folder.resolve(file);
      Files.move(from, folder.resolve(from.getFileName()));
    }
    assertThat(find(PictureSet.SVHN)).isPresent();
    assertThat(find(BLOOD)).isPresent();
  }

  @Test
  void theSetsOfMedMnistHaveTheirOfficialClasses() {
    final Map<String, Integer> classes = new HashMap<>();
    PictureSet.MED_MNIST.forEach(set -> classes.put(set.title(), set.classes()));
    assertThat(classes)
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                Map.entry("PathMNIST", 9),
                Map.entry("DermaMNIST", 7),
                Map.entry("OCTMNIST", 4),
                Map.entry("PneumoniaMNIST", 2),
                Map.entry("RetinaMNIST", 5),
                Map.entry("BreastMNIST", 2),
                Map.entry("BloodMNIST", 8),
                Map.entry("TissueMNIST", 8),
                Map.entry("OrganAMNIST", 11),
                Map.entry("OrganCMNIST", 11),
                Map.entry("OrganSMNIST", 11)));
  }

  @Nested
  class Cifar {

    @Test
    void planesAndLabelsAreWhereTheFormatHasThem() throws IOException {
      MadeUpPictures.cifar10(folder, 3);
      final byte[] bytes =
          Files.readAllBytes(folder.resolve("cifar-10-batches-bin").resolve("data_batch_2.bin"));
      final Pictures pictures = find(PictureSet.CIFAR_10).orElseThrow().read();
      assertThat(pictures.train().count()).isEqualTo(15);
      assertThat(pictures.test().count()).isEqualTo(3);
      assertThat(pictures.train().channels()).isEqualTo(3);
      // The second picture of the second file, green, row 7, column 9.
      assertThat(pictures.train().label(4)).isEqualTo(1);
      assertThat(pictures.train().pixel(4, 1, 7, 9))
          .isEqualTo(Byte.toUnsignedInt(bytes[3073 + 1 + 1024 + 7 * 32 + 9]));
    }

    @Test
    void cifar100IsReadByItsFineLabels() throws IOException {
      MadeUpPictures.cifar100(folder, 30);
      final LabelledImages train = find(PictureSet.CIFAR_100).orElseThrow().read().train();
      assertThat(train.classes()).isEqualTo(100);
      assertThat(train.label(29)).isEqualTo(29);
      final byte[] bytes =
          Files.readAllBytes(folder.resolve("cifar-100-binary").resolve("train.bin"));
      assertThat(train.pixel(1, 0, 0, 0)).isEqualTo(Byte.toUnsignedInt(bytes[3074 + 2]));
    }

    @ParameterizedTest
    @CsvSource({"0", "3072", "6145"})
    void aLengthThatIsNoWholeNumberOfPicturesIsNamed(int length) throws IOException {
      MadeUpPictures.cifar10(folder, 2);
      final String name = "cifar-10-batches-bin/data_batch_3.bin";
      Files.write(folder.resolve(name), new byte[length]);
      assertDamaged(
          PictureSet.CIFAR_10,
          name,
          "at byte "
              + length
              + ": found the end, expected a whole number of pictures of 3073 bytes, at least 1");
    }

    @Test
    void aLabelOutOfRangeIsNamed() throws IOException {
      MadeUpPictures.cifar10(folder, 2);
      final String name = "cifar-10-batches-bin/test_batch.bin";
      final byte[] bytes = Files.readAllBytes(folder.resolve(name));
      bytes[3073] = 10;
      Files.write(folder.resolve(name), bytes);
      assertDamaged(
          PictureSet.CIFAR_10, name, "at byte 3073: found label 10, expected a label from 0 to 9");
    }

    @Test
    void aMissingFileIsNamed() throws IOException {
      MadeUpPictures.cifar10(folder, 2);
      Files.delete(folder.resolve("cifar-10-batches-bin/data_batch_4.bin"));
      assertDamaged(
          PictureSet.CIFAR_10,
          "cifar-10-batches-bin",
          "found some files of CIFAR-10, expected also data_batch_4.bin");
    }
  }

  @Nested
  class Svhn {

    private static final String TRAIN = "svhn/train_32x32.mat";

    @Test
    void rowsRunFastestAndTenIsZero() throws IOException {
      MadeUpPictures.svhn(folder, 11);
      final LabelledImages train = find(PictureSet.SVHN).orElseThrow().read().train();
      assertThat(train.count()).isEqualTo(11);
      assertThat(train.label(0)).isEqualTo(1);
      assertThat(train.label(9)).isZero();
      assertThat(train.label(10)).isEqualTo(1);
      // Picture 2, blue, row 3, column 4.
      assertThat(train.pixel(2, 2, 3, 4)).isEqualTo((3 + 32 * (4 + 32 * (2 + 3 * 2))) * 31 % 251);
      assertThat(train.pixel(0, 0, 8, 0)).isEqualTo(8 * 31 % 251);
      // Numbers above 127 are where signs would show.
      assertThat(train.pixel(0, 0, 6, 0)).isEqualTo(186);
    }

    @Test
    void aLabelOutOfRangeIsNamed() throws IOException {
      MadeUpPictures.svhn(folder, 4);
      MadeUpPictures.svhn(folder.resolve(TRAIN), 4, 4, i -> i == 2 ? 11 : 1, _ -> 0);
      assertDamaged(
          PictureSet.SVHN, TRAIN, "y[2]: found label 11.0, expected a whole number from 1 to 10");
      MadeUpPictures.svhn(folder.resolve(TRAIN), 4, 4, _ -> 0, _ -> 0);
      assertDamaged(
          PictureSet.SVHN, TRAIN, "y[0]: found label 0.0, expected a whole number from 1 to 10");
    }

    @Test
    void anotherNumberOfLabelsIsNamed() throws IOException {
      MadeUpPictures.svhn(folder, 4);
      MadeUpPictures.svhn(folder.resolve(TRAIN), 4, 3, _ -> 1, _ -> 0);
      assertDamaged(
          PictureSet.SVHN, TRAIN, "y: found 3 labels, expected 4, one for each picture of X");
    }

    @Test
    void anotherShapeOrTypeIsNamed() throws IOException {
      MadeUpPictures.svhn(folder, 4);
      MadeUpPictures.matlab(
          folder.resolve(TRAIN),
          Mat5.newMatFile()
              .addArray("X", Mat5.newMatrix(new int[] {32, 31, 3, 2}, MatlabType.UInt8))
              .addArray("y", Mat5.newMatrix(2, 1, MatlabType.UInt8)));
      assertDamaged(
          PictureSet.SVHN,
          TRAIN,
          "X: found uint8 [32, 31, 3, 2], expected uint8 [32, 32, 3, N], N at least 1");
    }

    @Test
    void aMissingKeyIsNamed() throws IOException {
      MadeUpPictures.svhn(folder, 4);
      MadeUpPictures.matlab(
          folder.resolve(TRAIN),
          Mat5.newMatFile()
              .addArray("X", Mat5.newMatrix(new int[] {32, 32, 3, 2}, MatlabType.UInt8))
              .addArray("z", Mat5.newScalar(1)));
      assertDamaged(
          PictureSet.SVHN, TRAIN, "found the entries [X, z], expected a numeric matrix y");
    }

    @ParameterizedTest
    @CsvSource({"0", "100", "200", "600"})
    void aTruncatedFileIsNamed(int length) throws IOException {
      MadeUpPictures.svhn(folder, 4);
      final byte[] bytes = Files.readAllBytes(folder.resolve(TRAIN));
      assertThat(bytes.length).isGreaterThan(600);
      Files.write(folder.resolve(TRAIN), Arrays.copyOf(bytes, length));
      assertThatExceptionOfType(DataException.class)
          .isThrownBy(() -> find(PictureSet.SVHN))
          .withMessageStartingWith(folder.resolve(TRAIN) + ": found a damaged file (")
          .withMessageEndingWith("), expected a whole MATLAB 5 file");
    }
  }

  @Nested
  class MedMnist {

    private static final String FILE = "medmnist/bloodmnist.npz";

    private Map<String, byte[]> parts() {
      final Map<String, byte[]> parts = new HashMap<>();
      for (final String part : List.of("train", "val", "test")) {
        parts.put(part + "_images", MadeUpPictures.npy("|u1", "2, 28, 28", new byte[2 * 28 * 28]));
        parts.put(part + "_labels", MadeUpPictures.npy("|u1", "2, 1", new byte[] {7, 0}));
      }
      return parts;
    }

    private void write(Map<String, byte[]> parts) throws IOException {
      Files.createDirectories(folder.resolve("medmnist"));
      MadeUpPictures.npz(folder.resolve(FILE), parts);
    }

    @Test
    void greyPicturesHaveOnePlane() throws IOException {
      final Map<String, byte[]> parts = parts();
      final byte[] pixels = new byte[2 * 28 * 28];
      pixels[28 * 28 + 5 * 28 + 6] = (byte) 200;
      parts.put("test_images", MadeUpPictures.npy("|u1", "2, 28, 28", pixels));
      write(parts);
      final Pictures pictures = find(BLOOD).orElseThrow().read();
      assertThat(pictures.train().channels()).isEqualTo(1);
      assertThat(pictures.train().label(0)).isEqualTo(7);
      assertThat(pictures.test().pixel(1, 5, 6)).isEqualTo(200);
      assertThat(pictures.test().pixel(0, 5, 6)).isZero();
    }

    @Test
    void colouredPicturesBecomePlanes() throws IOException {
      final Map<String, byte[]> parts = parts();
      final byte[] pixels = new byte[2 * 28 * 28 * 3];
      pixels[(28 * 28 + 5 * 28 + 6) * 3 + 2] = (byte) 200;
      for (final String part : List.of("train", "val", "test")) {
        parts.put(part + "_images", MadeUpPictures.npy("|u1", "2, 28, 28, 3", pixels));
      }
      write(parts);
      final LabelledImages train = find(BLOOD).orElseThrow().read().train();
      assertThat(train.channels()).isEqualTo(3);
      assertThat(train.pixel(1, 2, 5, 6)).isEqualTo(200);
      final float[] all = new float[2 * 3 * 28 * 28];
      train.fillImages(new int[] {0, 1}, all);
      float sum = 0;
      for (final float pixel : all) {
        sum += pixel;
      }
      assertThat(sum).as("there is nothing else").isEqualTo(200 / 255f);
    }

    @Test
    void aMissingKeyIsNamed() throws IOException {
      final Map<String, byte[]> parts = parts();
      parts.keySet().removeIf(name -> !name.equals("train_images"));
      write(parts);
      assertDamaged(BLOOD, FILE, "found the arrays [train_images], expected train_labels");
    }

    @Test
    void anotherShapeOrTypeIsNamed() throws IOException {
      final Map<String, byte[]> parts = parts();
      parts.put("val_images", MadeUpPictures.npy("|u1", "2, 28, 27", new byte[2 * 28 * 27]));
      write(parts);
      assertDamaged(
          BLOOD,
          FILE,
          "val_images: found shape [2, 28, 27], expected [N, 28, 28] or [N, 28, 28, 3], N at least"
              + " 1");
      parts.put("val_images", MadeUpPictures.npy("<f4", "2, 28, 28", new byte[8 * 28 * 28]));
      write(parts);
      assertDamaged(BLOOD, FILE, "val_images is float32; expected uint8");
    }

    @Test
    void labelsOutOfRangeOrTooFewAreNamed() throws IOException {
      final Map<String, byte[]> parts = parts();
      parts.put("test_labels", MadeUpPictures.npy("|u1", "2, 1", new byte[] {0, 8}));
      write(parts);
      assertDamaged(BLOOD, FILE, "test_labels[1]: found 8, expected a number from 0 to 7");
      parts.put("test_labels", MadeUpPictures.npy("|u1", "1, 1", new byte[] {0}));
      write(parts);
      assertDamaged(
          BLOOD, FILE, "test_labels: found shape [1, 1], expected [2, 1], one for each image");
    }

    @Test
    void partsOfDifferentChannelsAreNamed() throws IOException {
      final Map<String, byte[]> parts = parts();
      parts.put("test_images", MadeUpPictures.npy("|u1", "2, 28, 28, 3", new byte[6 * 28 * 28]));
      write(parts);
      assertDamaged(
          BLOOD, FILE, "found 1, 1 and 3 channels in train, val and test, expected one number");
    }

    @ParameterizedTest
    @CsvSource({"0", "3", "60", "400"})
    void aTruncatedFileIsNamed(int length) throws IOException {
      write(parts());
      final byte[] bytes = Files.readAllBytes(folder.resolve(FILE));
      assertThat(bytes.length).isGreaterThan(400);
      Files.write(folder.resolve(FILE), Arrays.copyOf(bytes, length));
      assertThatExceptionOfType(DataException.class)
          .isThrownBy(() -> find(BLOOD))
          .withMessageStartingWith(folder.resolve(FILE) + ": ");
    }
  }
}
