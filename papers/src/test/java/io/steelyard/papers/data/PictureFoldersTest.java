package io.steelyard.papers.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.steelyard.papers.data.PictureFolders.Picture;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureFoldersTest {

  @TempDir private Path data;
  private Path folder;

  @BeforeEach
  void write() throws IOException {
    folder = data.resolve(PictureFolders.IMAGENET);
    picture("train/n02/b.JPEG", "jpg", BufferedImage.TYPE_INT_RGB);
    picture("train/n02/a.png", "png", BufferedImage.TYPE_BYTE_GRAY);
    picture("train/n01/c.jpg", "jpg", BufferedImage.TYPE_INT_RGB);
    picture("val/n01/d.png", "png", BufferedImage.TYPE_INT_RGB);
    picture("val/n02/e.png", "png", BufferedImage.TYPE_INT_RGB);
    Files.writeString(folder.resolve("train/n01/notes.txt"), "not a picture");
  }

  private void picture(String name, String format, int type) throws IOException {
    final Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    final BufferedImage picture = new BufferedImage(6, 4, type);
    for (int i = 0; i < 24; i++) {
      for (int band = 0; band < picture.getRaster().getNumBands(); band++) {
        picture.getRaster().setSample(i % 6, i / 6, band, 0x80);
      }
    }
    ImageIO.write(picture, format, file.toFile());
  }

  private DataLocations given() {
    return new DataLocations(Optional.of(data), Optional.empty(), data.resolve("cache"), true);
  }

  @Test
  void classesAndFilesComeInOrder() {
    final List<String> warnings = new ArrayList<>();
    final PictureFolders found = PictureFolders.imageNet(given(), warnings::add).orElseThrow();
    assertThat(warnings).isEmpty();
    assertThat(found.classes()).containsExactly("n01", "n02");
    assertThat(found.train())
        .containsExactly(
            new Picture("train/n01/c.jpg", 0),
            new Picture("train/n02/a.png", 1),
            new Picture("train/n02/b.JPEG", 1));
    assertThat(found.test()).hasSize(2);
    assertThat(found.origin()).isEqualTo("3 and 2 pictures of 2 classes");
    for (final Picture picture : found.train()) {
      final BufferedImage loaded = found.load(picture);
      assertThat(loaded.getType()).isEqualTo(BufferedImage.TYPE_INT_RGB);
      assertThat(loaded.getWidth()).isEqualTo(6);
      assertThat(loaded.getRGB(3, 2) & 0xffffff).isEqualTo(0x808080);
    }
  }

  @Test
  void whatIsNotThereIsLeftOutWithOneLine() {
    final List<String> warnings = new ArrayList<>();
    final DataLocations elsewhere =
        new DataLocations(
            Optional.of(data.resolve("train")), Optional.empty(), data.resolve("cache"), true);
    assertThat(PictureFolders.imageNet(elsewhere, warnings::add)).isEmpty();
    assertThat(warnings).singleElement().asString().contains("imagenet-1k/train", "left out");
  }

  @Test
  void damageIsNamed() throws IOException {
    final PictureFolders found = PictureFolders.read(folder);
    Files.writeString(folder.resolve("train/n02/a.png"), "no picture");
    assertThatThrownBy(() -> found.load(found.train().get(1)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("a.png")
        .hasMessageContaining("expected JPEG or PNG");
    final byte[] whole = Files.readAllBytes(folder.resolve("train/n02/b.JPEG"));
    Files.write(folder.resolve("train/n02/b.JPEG"), Arrays.copyOf(whole, 30));
    assertThatThrownBy(() -> found.load(found.train().get(2)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("b.JPEG");
    Files.delete(folder.resolve("val/n02/e.png"));
    assertThatThrownBy(() -> PictureFolders.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("expected pictures");
    Files.delete(folder.resolve("val/n02"));
    assertThatThrownBy(() -> PictureFolders.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("2 classes in train and 1 in val, not in both: [n02]");
  }
}
