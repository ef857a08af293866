/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_dns: the answer of a name server, which is a stranger
 * (R111, R117).
 */
#include "fuzz.h"

#include "wire/qp_dns.h"

static void check_record(const qp_dns_record *record, qp_dns_type type)
{
    fuzz_check(record->text != NULL && record->text[record->len] == '\0');
    if (type != QP_DNS_TXT) {
        fuzz_check(strlen(record->text) == record->len);
        fuzz_check(fuzz_is_clean(record->text));
        fuzz_check(record->len <= QP_DNS_NAME_MAX || type == QP_DNS_TLSA);
    }
    fuzz_check(type != QP_DNS_A || record->data_len == 4);
    fuzz_check(type != QP_DNS_AAAA || record->data_len == 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const qp_dns_type types[] = { QP_DNS_A,    QP_DNS_NS,  QP_DNS_SOA,
                                         QP_DNS_PTR,  QP_DNS_MX,  QP_DNS_TXT,
                                         QP_DNS_AAAA, QP_DNS_TLSA };
    fuzz_input in = { data, size };
    qp_dns_type type = types[fuzz_byte(&in) & 7];
    char next[QP_DNS_NAME_MAX + 1];
    apr_size_t len = in.left;
    char *msg = fuzz_take(&in, len);
    qp_dns_data *found =
        qp_dns_parse((unsigned char *)msg, len, "a.example", type, next);
    int i;

    free(msg);
    fuzz_check(found != NULL && strlen(next) <= QP_DNS_NAME_MAX);
    fuzz_check(found->count >= 0 && found->count <= QP_DNS_MAX_RECORDS);
    fuzz_check(next[0] == '\0' || strcmp(next, ".") == 0
               || qp_dns_is_name(next));
    fuzz_check((found->result == QP_DNS_FOUND) == (found->count > 0));
    for (i = 0; i < found->count; i++) {
        check_record(&found->records[i], type);
    }
    qp_dns_data_unref(found);
    return 0;
}
