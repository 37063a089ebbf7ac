/* A block of R rows and N columns of a product whose operands both run along the sums: vectors of partial sums. */
#define DOTS(NAME, T, LANES, R, N)                                                                                    \
    static void NAME(long k, const T *a, long a_row, const T *b, long b_column, T *c, long c_row, long c_column) {    \
        typedef T V __attribute__((vector_size(sizeof(T) * LANES)));                                                  \
        typedef T U __attribute__((vector_size(sizeof(T) * LANES), aligned(sizeof(T)), may_alias));                   \
        V sum[R][N] = {{{0}}};                                                                                        \
        long i = 0;                                                                                                   \
        for (; i + LANES <= k; i += LANES) {                                                                          \
            V column[N];                                                                                              \
            for (int n = 0; n < N; n++) column[n] = *(const U *)(b + n * b_column + i);                               \
            for (int r = 0; r < R; r++) {                                                                             \
                const V row = *(const U *)(a + r * a_row + i);                                                        \
                for (int n = 0; n < N; n++) sum[r][n] += row * column[n];                                             \
            }                                                                                                         \
        }                                                                                                             \
        for (int r = 0; r < R; r++)                                                                                   \
            for (int n = 0; n < N; n++) {                                                                             \
                T total = 0;                                                                                          \
                for (int l = 0; l < LANES; l++) total += sum[r][n][l];                                                \
                for (long l = i; l < k; l++) total += a[r * a_row + l] * b[n * b_column + l];                         \
                c[r * c_row + n * c_column] = total;                                                                  \
            }                                                                                                         \
    }
