/* The product of two vectors, in parts that are added up in double precision. */
static TYPE dot_SUFFIX(long n, const TYPE *a, long a_step, const TYPE *b, long b_step) {
    double total = 0;
    for (long start = 0; start < n; start += 512) {
        const long stop = n - start < 512 ? n : start + 512;
        TYPE part = 0;
        if (a_step == 1 && b_step == 1) {
            SIMD(reduction(+ : part))
            for (long i = start; i < stop; i++) part += a[i] * b[i];
        } else
            for (long i = start; i < stop; i++) part += a[i * a_step] * b[i * b_step];
        total += part;
    }
    return (TYPE)total;
}
