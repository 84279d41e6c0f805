package io.steelyard.feed.database;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.util.concurrent.atomic.AtomicBoolean;
import org.h2.store.fs.FileBase;
import org.h2.store.fs.FilePath;
import org.h2.store.fs.FilePathWrapper;

/** A disk for H2 that can be full: addresses are {@code jdbc:h2:fulldisk:/path}. */
public final class FullDisk extends FilePathWrapper {

  private static final AtomicBoolean FULL = new AtomicBoolean();

  /** Makes the disk known to H2. */
  public static void register() {
    FilePath.register(new FullDisk());
  }

  /** Fills the disk, or makes room. */
  public static void full(boolean full) {
    FULL.set(full);
  }

  @Override
  public String getScheme() {
    return "fulldisk";
  }

  @Override
  public FileChannel open(String mode) throws IOException {
    return new Limited(super.open(mode));
  }

  private static final class Limited extends FileBase {

    private final FileChannel file;

    Limited(FileChannel file) {
      this.file = file;
    }

    private static void check() throws IOException {
      if (FULL.get()) {
        throw new IOException("No space left on device");
      }
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      check();
      return file.write(bytes);
    }

    @Override
    public synchronized int write(ByteBuffer bytes, long position) throws IOException {
      check();
      return file.write(bytes, position);
    }

    @Override
    public int read(ByteBuffer bytes) throws IOException {
      return file.read(bytes);
    }

    @Override
    public synchronized int read(ByteBuffer bytes, long position) throws IOException {
      return file.read(bytes, position);
    }

    @Override
    public long position() throws IOException {
      return file.position();
    }

    @Override
    public FileChannel position(long position) throws IOException {
      file.position(position);
      return this;
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public FileChannel truncate(long size) throws IOException {
      file.truncate(size);
      return this;
    }

    @Override
    public void force(boolean metadata) throws IOException {
      file.force(metadata);
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) throws IOException {
      return file.tryLock(position, size, shared);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      file.close();
    }
  }
}
