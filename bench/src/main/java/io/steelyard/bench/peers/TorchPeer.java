package io.steelyard.bench.peers;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.ParameterStore;
import io.steelyard.layers.engine.Libtorch;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * One libtorch call, loaded from a TorchScript archive of this package (see the README there) and
 * called without a translator or batching in between.
 */
public final class TorchPeer implements AutoCloseable {

  private final Model model;
  private final ParameterStore noParameters;

  private TorchPeer(Model model) {
    this.model = model;
    this.noParameters = new ParameterStore(model.getNDManager(), false);
  }

  /**
   * Sets how many threads libtorch uses. Counts only before the first use of libtorch in a JVM,
   * since libtorch reads it once.
   */
  public static void setThreads(int threads) {
    System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
  }

  /** A manager of libtorch tensors; starts libtorch. */
  public static NDManager newManager() {
    return Libtorch.newManager();
  }

  /**
   * Loads an archive.
   *
   * @param name file name without {@code .pt}
   * @throws IllegalArgumentException if there is no such archive
   */
  public static TorchPeer load(String name) {
    final Model model = Libtorch.engine().newModel(name, Device.cpu());
    try (InputStream archive = TorchPeer.class.getResourceAsStream(name + ".pt")) {
      if (archive == null) {
        throw new IllegalArgumentException("peer archive '" + name + ".pt' does not exist");
      }
      model.load(archive, Map.of());
      return new TorchPeer(model);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read peer archive " + name + ".pt", e);
    } catch (MalformedModelException e) {
      throw new IllegalStateException("libtorch does not load peer archive " + name + ".pt", e);
    }
  }

  /** Calls it; the caller closes the result. */
  public NDList call(NDList inputs) {
    return model.getBlock().forward(noParameters, inputs, false);
  }

  @Override
  public void close() {
    model.close();
  }
}
