/* A matrix (k, n) with its rows one after the other, each filled up with 0 to `width` entries. */
static void pack_SUFFIX(long k, long n, const TYPE *b, long row, long column, TYPE *to, long width) {
    for (long start = 0; start < width; start += 16) { /* 16 columns at a time: their lines stay in the cache */
        const long stop = n < start + 16 ? n : start + 16, end = width < start + 16 ? width : start + 16;
        for (long i = 0; i < k; i++) {
            for (long j = start; j < stop; j++) to[i * width + j] = b[i * row + j * column];
            for (long j = stop; j < end; j++) to[i * width + j] = 0;
        }
    }
}
