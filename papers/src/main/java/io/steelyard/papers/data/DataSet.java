package io.steelyard.papers.data;

import java.net.URI;
import java.util.List;

/**
 * A published set of labelled grey images in IDX files: what belongs to it, where it comes from and
 * under which terms.
 *
 * @param name short name, {@code [a-z0-9-]+}; also the folder its files are looked for in
 * @param title as its authors write it
 * @param classes names of the classes, by label
 * @param trainImages training images
 * @param trainLabels training labels
 * @param testImages test images
 * @param testLabels test labels
 * @param addresses where the files can be downloaded, best first; each ends in a slash
 * @param licence terms, as far as its authors state them
 * @param citation whom to cite
 */
public record DataSet(
    String name,
    String title,
    List<String> classes,
    DataFile trainImages,
    DataFile trainLabels,
    DataFile testImages,
    DataFile testLabels,
    List<URI> addresses,
    String licence,
    String citation) {

  /** Handwritten digits: 60,000 training and 10,000 test images of 28 x 28. */
  public static final DataSet MNIST =
      new DataSet(
          "mnist",
          "MNIST",
          List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
          new DataFile(
              "train-images-idx3-ubyte.gz",
              9_912_422,
              "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
          new DataFile(
              "train-labels-idx1-ubyte.gz",
              28_881,
              "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
          new DataFile(
              "t10k-images-idx3-ubyte.gz",
              1_648_877,
              "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
          new DataFile(
              "t10k-labels-idx1-ubyte.gz",
              4_542,
              "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
          List.of(
              URI.create("https://ossci-datasets.s3.amazonaws.com/mnist/"),
              URI.create("https://storage.googleapis.com/cvdf-datasets/mnist/")),
          "none stated by its authors; commonly given as CC BY-SA 3.0",
          "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to document"
              + " recognition. Proceedings of the IEEE 86(11), 1998.");

  /** Pieces of clothing: 60,000 training and 10,000 test images of 28 x 28. */
  public static final DataSet FASHION_MNIST =
      new DataSet(
          "fashion-mnist",
          "Fashion-MNIST",
          List.of(
              "T-shirt/top",
              "Trouser",
              "Pullover",
              "Dress",
              "Coat",
              "Sandal",
              "Shirt",
              "Sneaker",
              "Bag",
              "Ankle boot"),
          new DataFile(
              "train-images-idx3-ubyte.gz",
              26_421_880,
              "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
          new DataFile(
              "train-labels-idx1-ubyte.gz",
              29_515,
              "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
          new DataFile(
              "t10k-images-idx3-ubyte.gz",
              4_422_102,
              "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
          new DataFile(
              "t10k-labels-idx1-ubyte.gz",
              5_148,
              "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
          List.of(
              URI.create("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
              URI.create(
                  "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/")),
          "MIT (Zalando SE, 2017)",
          "H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking"
              + " machine learning algorithms. arXiv 1708.07747, 2017.");

  /** Copies the lists and checks the name. */
  public DataSet {
    if (!name.matches("[a-z0-9-]+")) {
      throw new IllegalArgumentException("data set name is '" + name + "'; expected [a-z0-9-]+");
    }
    classes = List.copyOf(classes);
    addresses = List.copyOf(addresses);
  }

  /** The sets Steelyard knows. */
  public static List<DataSet> known() {
    return List.of(MNIST, FASHION_MNIST);
  }

  /** Its files. */
  public List<DataFile> files() {
    return List.of(trainImages, trainLabels, testImages, testLabels);
  }

  /** Bytes of all files. */
  public long bytes() {
    return files().stream().mapToLong(DataFile::size).sum();
  }

  /** What the images are, whatever place they were read from: the checksums of the image files. */
  public String fingerprint() {
    return "sha256 " + trainImages.shortSha256() + ", " + testImages.shortSha256();
  }
}
