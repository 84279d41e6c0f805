package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdxReaderTest {

  private static final byte[] PIXELS = {0, 1, 127, (byte) 128, (byte) 255, 7, 8, 9, 10, 11, 12, 13};

  /** Two images of 2 x 3. */
  private static final byte[] IMAGES = images(2051, 2, 2, 3, PIXELS);

  private static final byte[] LABELS = labels(2049, 2, (byte) 3, (byte) 0);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"true,true", "true,false", "false,true", "false,false"})
  void readsPackedAndPlainFilesWhateverTheirName(boolean packImages, boolean packLabels)
      throws IOException {
    final LabelledImages read =
        IdxReader.read(
            write("images.gz", packImages ? TinySet.gzip(IMAGES) : IMAGES),
            write("labels", packLabels ? TinySet.gzip(LABELS) : LABELS),
            4);
    assertThat(read.count()).isEqualTo(2);
    assertThat(read.rows()).isEqualTo(2);
    assertThat(read.columns()).isEqualTo(3);
    assertThat(read.classes()).isEqualTo(4);
    assertThat(read.label(0)).isEqualTo(3);
    assertThat(read.label(1)).isZero();
    assertThat(read.pixel(0, 1, 0)).isEqualTo(128);
    assertThat(read.pixel(0, 1, 1)).isEqualTo(255);
    assertThat(read.pixel(1, 0, 0)).isEqualTo(8);
    assertThat(read.pixel(1, 1, 2)).isEqualTo(13);
  }

  @Test
  void readsAnEmptySet() throws IOException {
    final LabelledImages read =
        IdxReader.read(
            write("i", images(2051, 0, 28, 28, new byte[0])), write("l", labels(2049, 0)), 10);
    assertThat(read.count()).isZero();
  }

  /** Every proper prefix of every file is refused, packed or not, and named with its place. */
  @Test
  void refusesEveryTruncation() throws IOException {
    for (int length = 0; length < IMAGES.length; length++) {
      final Path file = write("cut", Arrays.copyOf(IMAGES, length));
      assertRefused(file, "found");
      assertThatThrownBy(() -> IdxReader.read(file, write("l", LABELS), 4))
          .hasMessageContaining("at byte " + length);
    }
    final byte[] packed = TinySet.gzip(IMAGES);
    for (int length = 0; length < packed.length; length++) {
      assertRefused(write("cut.gz", Arrays.copyOf(packed, length)), "found");
    }
    for (int length = 0; length < LABELS.length; length++) {
      final Path file = write("cut-labels", Arrays.copyOf(LABELS, length));
      assertThatThrownBy(() -> IdxReader.read(write("i", IMAGES), file, 4))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file + ": at byte " + length);
    }
  }

  @Test
  void namesFoundAndExpectedOfATruncation() throws IOException {
    assertRefused(
        write("i", Arrays.copyOf(IMAGES, 20)),
        "at byte 20: found the end after 4 bytes of the pixels, expected 12 bytes");
  }

  @Test
  void refusesDamageInsideAGzipStream() throws IOException {
    final byte[] packed = TinySet.gzip(images(2051, 40, 20, 20, noise(16_000)));
    packed[packed.length - 6] ^= 0x55;
    assertRefused(write("i.gz", packed), "damaged or truncated gzip stream");
  }

  @Test
  void refusesTrailingBytes() throws IOException {
    assertRefused(
        write("i", Arrays.copyOf(IMAGES, IMAGES.length + 1)),
        "at byte 28: found further bytes, expected the end");
    final Path labels = write("l", Arrays.copyOf(LABELS, LABELS.length + 1));
    assertThatThrownBy(() -> IdxReader.read(write("i", IMAGES), labels, 4))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(labels + ": at byte 10: found further bytes");
  }

  @ParameterizedTest
  @ValueSource(ints = {2049, 0, -1, 2052, 0x03080000})
  void refusesAnotherMagicNumber(int magic) throws IOException {
    assertRefused(
        write("i", images(magic, 2, 2, 3, PIXELS)),
        "at byte 0: found magic number " + magic + ", expected 2051 (IDX images)");
  }

  @Test
  void refusesLabelsInPlaceOfImagesAndTheOtherWayRound() throws IOException {
    final Path images = write("i", IMAGES);
    final Path labels = write("l", LABELS);
    assertThatThrownBy(() -> IdxReader.read(labels, labels, 4))
        .hasMessageContaining("found magic number 2049, expected 2051");
    assertThatThrownBy(() -> IdxReader.read(images, images, 4))
        .hasMessageContaining("found magic number 2051, expected 2049 (IDX labels)");
  }

  @Test
  void saysThatAFileNamedGzIsNotGzip() throws IOException {
    assertRefused(
        write("page.gz", "<html>Not found</html>".getBytes(StandardCharsets.UTF_8)),
        "and no gzip header");
  }

  @ParameterizedTest
  @CsvSource({
    "-1,2,3,number of images -1",
    "2,0,3,height 0",
    "2,2,-5,width -5",
    "2147483647,2147483647,2147483647,expected less than 2 GiB",
    "2000000000,1,1,expected 2000000000 bytes"
  })
  void refusesImpossibleSizesWithoutAllocatingThem(int count, int rows, int columns, String said)
      throws IOException {
    assertRefused(write("i", images(2051, count, rows, columns, PIXELS)), said);
  }

  @Test
  void refusesAnotherNumberOfLabelsThanImages() throws IOException {
    final Path labels = write("l", labels(2049, 3, (byte) 0, (byte) 1, (byte) 2));
    assertThatThrownBy(() -> IdxReader.read(write("i", IMAGES), labels, 4))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(labels + ": found 3 labels, expected 2");
  }

  @Test
  void refusesLabelsOutOfRange() throws IOException {
    final Path labels = write("l", labels(2049, 2, (byte) 1, (byte) 200));
    assertThatThrownBy(() -> IdxReader.read(write("i", IMAGES), labels, 10))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            labels + ": at byte 9: found label 200, expected a label from 0 to 9");
  }

  @Test
  void namesAFileThatIsNotThere() {
    final Path nowhere = folder.resolve("nowhere");
    assertThatThrownBy(() -> IdxReader.read(nowhere, nowhere, 10))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot read " + nowhere);
  }

  private void assertRefused(Path images, String said) throws IOException {
    final Path labels = write("good-labels", LABELS);
    assertThatThrownBy(() -> IdxReader.read(images, labels, 4))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(images + ": ")
        .hasMessageContaining(said);
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static byte[] images(int magic, int count, int rows, int columns, byte[] pixels) {
    return ByteBuffer.allocate(16 + pixels.length)
        .putInt(magic)
        .putInt(count)
        .putInt(rows)
        .putInt(columns)
        .put(pixels)
        .array();
  }

  private static byte[] labels(int magic, int count, byte... labels) {
    return ByteBuffer.allocate(8 + labels.length).putInt(magic).putInt(count).put(labels).array();
  }

  private static byte[] noise(int length) {
    final byte[] bytes = new byte[length];
    new SplittableRandom(1).nextBytes(bytes);
    return bytes;
  }
}
